/**
 * Whether a history of concurrent calls could have come from calls made one after another: Wing and Gong's search, with
 * a memory of where it has been. A call takes effect at some moment between its begin and its end; the search looks for
 * an order of such moments in which the sequential specification gives the results that were seen.
 */

export interface Call<Operation, Result> {
  readonly operation: Operation;
  readonly result: Result;
  /** Moments on one clock that counts up; of two calls that don't overlap, the first has ended when the second begins. */
  readonly begin: number;
  readonly end: number;
}

export interface Specification<State, Operation, Result> {
  readonly initial: State;
  /** The state after a call with this result; undefined if it can't have had it in `state`. */
  after(state: State, operation: Operation, result: Result): State | undefined;
}

/** The calls in an order that explains their results, or undefined if there is none. */
export function linearize<State, Operation, Result>(
  history: readonly Call<Operation, Result>[],
  specification: Specification<State, Operation, Result>,
): readonly Call<Operation, Result>[] | undefined {
  const seen = new Set<string>();
  const search = (
    left: readonly Call<Operation, Result>[],
    state: State,
  ): readonly Call<Operation, Result>[] | undefined => {
    if (left.length === 0) return [];
    const place = `${left.map(({ begin }) => begin).join(' ')} ${JSON.stringify(state)}`;
    if (seen.has(place)) return undefined;
    seen.add(place);
    const firstEnd = Math.min(...left.map(({ end }) => end));
    // Whoever began after another one had ended comes after it.
    const mayBeNext = left.filter(({ begin }) => begin < firstEnd);
    for (const call of mayBeNext) {
      const next = specification.after(state, call.operation, call.result);
      if (next === undefined) continue;
      const rest = search(
        left.filter((other) => other !== call),
        next,
      );
      if (rest !== undefined) return [call, ...rest];
      // What changes nothing stands in nobody's way: if it doesn't help to take it first, nothing does.
      if (next === state) return undefined;
    }
    return undefined;
  };
  return search(
    history.toSorted((one, other) => one.begin - other.begin),
    specification.initial,
  );
}
