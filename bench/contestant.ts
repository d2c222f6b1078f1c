/**
 * A library that takes part in a comparison, ours included: what each must offer so that all can be measured by the same
 * scenarios. An adapter is a module that exports `open`; each of its roles runs in a process of its own.
 */

/** About 80 bytes of JSON, the same for all. */
export interface Payload {
  readonly id: number;
  readonly to: string;
  readonly template: string;
  readonly count: number;
}

/** Stores how far a task is, durably, before it resolves. */
export type Checkpoint = (step: number, state: object) => Promise<unknown>;

export type Handle = (payload: Payload, checkpoint: Checkpoint) => Promise<void>;

export interface Producer {
  /** Resolves when the task is stored. */
  create(payload: Payload): Promise<unknown>;
  createMany(payloads: readonly Payload[]): Promise<unknown>;
  close(): Promise<unknown>;
}

export interface Worker {
  stop(): Promise<unknown>;
}

export interface Contestant {
  /** Makes an empty database ready. */
  setUp(): Promise<unknown>;
  produce(): Promise<Producer>;
  work(handle: Handle): Promise<Worker>;
}

/** `setting` tells the variants of one library apart. */
export type OpenContestant = (database: string, setting: string) => Contestant;

export function payload(id: number): Payload {
  return { id, to: `user-${id}@example.com`, template: 'welcome', count: 42 };
}

/** Calls `work` with 0 up to `count`, from as many callers at once. */
export async function concurrently(
  count: number,
  callers: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const call = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(callers, count) }, call));
}

/** The same in pieces that are created by one call each. */
export async function inChunks<Item>(
  items: readonly Item[],
  size: number,
  work: (chunk: readonly Item[]) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < items.length; from += size) await work(items.slice(from, from + size));
}
