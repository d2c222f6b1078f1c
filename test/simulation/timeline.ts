/**
 * All that is going to happen in a simulated system, in the order in which it happens. Nothing else makes anything go on:
 * whoever waits, waits for an event, and after each the promises that it settled run until they wait for the next.
 */
import { mix } from './random.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export interface Occurrence {
  readonly at: number;
  readonly order: number;
  /** In which process: what happens in a crashed one doesn't, and in a frozen one later. */
  readonly process: SimulatedProcess | undefined;
  readonly what: string;
  /** Undefined once it is called off. */
  run: (() => void) | undefined;
}

const { setImmediate } = globalThis;

export class Timeline {
  /** Milliseconds since the beginning. */
  now = 0;
  /** Of all that has happened so far, and when. */
  digest = 0;
  events = 0;
  /** Whose code runs at the moment. */
  current: SimulatedProcess | undefined;
  /** What has happened, told to whoever wants to read it. */
  readonly trace: ((line: () => string) => void) | undefined;
  readonly #heap: Occurrence[] = [];
  #order = 0;

  constructor(trace?: (line: string) => void) {
    this.trace = trace && ((line) => trace(`${this.now.toFixed(3).padStart(10)}  ${line()}`));
  }

  /** Promises go on after it; for what settles none, `settles` is false, which is faster. */
  at(at: number, what: string, process: SimulatedProcess | undefined, run: () => void): Occurrence {
    const occurrence = { at: Math.max(at, this.now), order: this.#order++, process, what, run };
    this.#push(occurrence);
    return occurrence;
  }

  after(ms: number, what: string, process: SimulatedProcess | undefined, run: () => void): Occurrence {
    return this.at(this.now + ms, what, process, run);
  }

  /** Lets the next thing happen; false if there is nothing more before `end`. */
  async step(end: number): Promise<boolean> {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end) return false;
      this.#pop();
      const { process, run } = next;
      if (run === undefined || process?.state === 'crashed') continue;
      this.now = next.at;
      if (process?.state === 'frozen') {
        process.held.push(next);
        continue;
      }
      this.events += 1;
      this.digest = mix(this.digest ^ mix(next.order) ^ Math.round(next.at * 1000));
      this.current = process;
      next.run = undefined;
      run();
      // What happens on the way or in the database settles no promise.
      if (process !== undefined) await rest();
      this.current = undefined;
      return true;
    }
  }

  #push(occurrence: Occurrence): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(occurrence);
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (!isBefore(occurrence, heap[above] as Occurrence)) break;
      heap[index] = heap[above] as Occurrence;
      index = above;
    }
    heap[index] = occurrence;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const next =
        right < heap.length && isBefore(heap[right] as Occurrence, heap[left] as Occurrence) ? right : left;
      if (!isBefore(heap[next] as Occurrence, last)) break;
      heap[index] = heap[next] as Occurrence;
      index = next;
    }
    heap[index] = last;
  }
}

/** So many turns of the event loop are asked for at once: to ask for each alone would cost a look at all files and sockets. */
const TURNS = 64;
let turns = 0;
let awaiting: (() => void) | undefined;

/** Lets promises run until all of them wait for the next event. */
export function rest(): Promise<void> {
  return new Promise((resolve) => {
    awaiting = resolve;
    if (turns > 0) return;
    for (; turns < TURNS; turns++) setImmediate(turn);
  });
}

function turn(): void {
  turns -= 1;
  const goOn = awaiting;
  awaiting = undefined;
  goOn?.();
}

function isBefore(one: Occurrence, other: Occurrence): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
