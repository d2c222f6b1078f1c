/** What a check refuses that leaves it to its caller how to say so. */
type Refusal = readonly [part: string, value: unknown, problem: string];

class Refused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal[2]);
    this.refusal = refusal;
  }
}

/** What `check` refuses, or else returns. */
export function refusing(check: (refuse: (...refusal: Refusal) => never) => unknown): unknown {
  try {
    return check((...refusal) => {
      throw new Refused(refusal);
    });
  } catch (thrown) {
    if (thrown instanceof Refused) return thrown.refusal;
    throw thrown;
  }
}
