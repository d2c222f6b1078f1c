/** What a replica takes from a queue: what runs, what waits for a slot, and what is given back. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Execution } from '../../src/runtime/execution.ts';
import { Intake } from '../../src/runtime/intake.ts';
import { Observer } from '../../src/runtime/observer.ts';
import { Registry } from '../../src/runtime/registry.ts';
import { Strays } from '../../src/runtime/strays.ts';
import type { ClaimRequest } from '../../src/store/claim.ts';
import type { Claim } from '../../src/store/record.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../support/clock.ts';

/** How long the store takes to answer a claim. */
const ANSWER = 10;
const SLOTS = 10;

describe('an intake', () => {
  it('claims as many as there are slots, as long as it knows no pace', async () => {
    const queue = new Queue();
    await queue.claim();
    assert.deepEqual([queue.running.length, queue.waiting.length], [SLOTS, 0]);
  });

  it('claims ahead what ends while two claims are answered, and begins that as slots become free', async () => {
    const queue = await claimedAhead();
    assert.deepEqual([queue.running.length, queue.waiting.length], [SLOTS, 2 * SLOTS]);
    const next = queue.waiting.slice(0, 3);
    queue.end(3);
    await queue.clock.settle();
    assert.deepEqual(queue.running.slice(-3), next, 'in the order of their claims');
    assert.deepEqual([queue.running.length, queue.waiting.length], [SLOTS, 2 * SLOTS - 3]);
  });

  it('claims nothing ahead where rounds decide', async () => {
    const queue = await claimedAhead({ rounds: true });
    assert.deepEqual([queue.running.length, queue.waiting.length], [SLOTS, 0]);
  });

  it('gives back what no slot is free for in time, and claims no more until one is', async () => {
    const queue = await claimedAhead();
    await queue.clock.advance(500);
    assert.deepEqual([queue.running.length, queue.waiting.length], [SLOTS, 0]);
    const { claims } = queue;
    await queue.claim();
    assert.equal(queue.claims, claims);
    queue.end(1);
    await queue.claim();
    assert.deepEqual([queue.running.length, queue.waiting.length], [SLOTS, 0]);
    assert.equal(queue.clock.waiting, 0, 'nobody waits, nobody looks');
  });

  it('keeps what waits for less than that', async () => {
    const queue = await claimedAhead();
    await queue.clock.advance(240);
    assert.equal(queue.waiting.length, 2 * SLOTS);
  });

  it('begins nothing that was stopped when its claim was answered, and keeps no slot for it', async () => {
    const queue = new Queue();
    queue.stopped = true;
    await queue.claim();
    assert.deepEqual([queue.running.length, queue.waiting.length], [0, 0]);
    queue.stopped = false;
    await queue.claim();
    assert.equal(queue.running.length, SLOTS);
  });

  it('looks after nobody once it is stopped', async () => {
    const queue = await claimedAhead();
    queue.intake.stop();
    assert.equal(queue.clock.waiting, 0);
  });
});

/** All slots have become free in the time of one claim, and have been taken again: where nobody decides in rounds, with some ahead. */
async function claimedAhead(options = {}): Promise<Queue> {
  const queue = new Queue(options);
  await queue.claim();
  queue.end(SLOTS);
  await queue.claim();
  return queue;
}

/** A backlog without an end, and the handlers of one intake. */
class Queue {
  readonly clock = new ManualClock();
  readonly intake: Intake;
  readonly #held = new Set<Task>();
  claims = 0;
  /** Whether what is claimed may not run. */
  stopped = false;

  constructor({ rounds = false } = {}) {
    const observer = new Observer(null);
    this.intake = new Intake({
      store: this.#store(rounds),
      registry: new Registry(),
      clock: this.clock,
      observer,
      strays: new Strays({ store: { release: async () => true }, observer }),
      queue: 'run',
      capacity: SLOTS,
      taker: () => 'replica',
      execution: ({ id }) => {
        const task = new Task(id, () => this.#end(task));
        this.#held.add(task);
        return task as unknown as Execution;
      },
      check: (execution) => {
        if (this.stopped) execution.release();
      },
      wake: () => undefined,
    });
  }

  get running(): readonly Task[] {
    return [...this.#held].filter(({ begun }) => begun);
  }

  get waiting(): readonly Task[] {
    return [...this.#held].filter(({ begun }) => !begun);
  }

  async claim(): Promise<void> {
    const claimed = this.intake.claim();
    await this.clock.advance(ANSWER);
    await claimed;
    await this.clock.settle();
  }

  /** So many handlers end, and that is stored at once. */
  end(count: number): void {
    for (const task of this.running.slice(0, count)) this.#end(task);
  }

  #end(task: Task): void {
    this.#held.delete(task);
    this.intake.handled(task as unknown as Execution);
    this.intake.ended(task as unknown as Execution);
  }

  #store(rounds: boolean): Store {
    let last = 0;
    const claim = ({ limit }: ClaimRequest): unknown =>
      new Promise((resolve) => {
        this.claims += 1;
        const claims = Array.from({ length: limit }, () => ({ id: ++last }) as Claim);
        this.clock.after(ANSWER, () => resolve({ claims, more: false }));
      });
    const control = { playsRounds: () => rounds, usesLanes: () => rounds };
    return { claim, control } as unknown as Store;
  }
}

/** As much of an execution as an intake sees. */
class Task {
  readonly fence: { readonly id: number };
  begun = false;
  readonly #end: () => void;

  constructor(id: number, end: () => void) {
    this.fence = { id };
    this.#end = end;
  }

  begin(): void {
    this.begun = true;
  }

  release(): void {
    if (!this.begun) this.#end();
  }
}
