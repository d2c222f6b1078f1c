/** What callers and handlers write: new tasks, reports and ends, those that come together in one commit. */
import type { Clock } from '../core/clock.ts';
import { type NewTask, payloadSize } from '../store/record.ts';
import type {
  Checkpoint,
  Fence,
  FencedCheckpoint,
  FencedSettlement,
  Settlement,
} from '../store/settlement.ts';
import type { Store } from '../store/store.ts';
import { GroupCommit } from './group-commit.ts';

/** Bytes of a row besides its texts. */
const ROW = 100;

export class Writes {
  readonly #store: Store;
  readonly #creations: GroupCommit<NewTask, number>;
  readonly #checkpoints: GroupCommit<FencedCheckpoint, unknown>;
  readonly #settlements: GroupCommit<FencedSettlement, unknown>;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#creations = new GroupCommit({
      clock,
      write: (tasks) => store.createEach(tasks),
      writeAlone: (task) => store.create(task),
      sizeOf: payloadSize,
    });
    this.#checkpoints = new GroupCommit<FencedCheckpoint, unknown>({
      clock,
      write: (items) => store.checkpointEach(items),
      writeAlone: ({ fence, checkpoint }) => store.checkpoint(fence, checkpoint),
      sizeOf: ({ checkpoint }) => sizeOf(checkpoint),
    });
    this.#settlements = new GroupCommit<FencedSettlement, unknown>({
      clock,
      write: (items) => store.settleEach(items),
      writeAlone: ({ fence, settlement }) => store.settle(fence, settlement),
      sizeOf: ({ settlement: { checkpoint, error, errors } }) =>
        sizeOf(checkpoint) + 2 * (error?.length ?? 0) + (errors?.length ?? 0),
    });
  }

  /** The new task's id. What may have to wait for others' rows or code goes by itself. */
  create(task: NewTask): Promise<number> {
    return this.#store.isPlain(task) ? this.#creations.add(task) : this.#store.create(task);
  }

  /** Stores a report. Throws LEASE_LOST. */
  checkpoint(fence: Fence, checkpoint: Checkpoint): Promise<unknown> {
    return this.#checkpoints.add({ fence, checkpoint });
  }

  /** Ends a claim, moving context and status together. Throws LEASE_LOST. */
  settle(fence: Fence, settlement: Settlement): Promise<unknown> {
    return this.#settlements.add({ fence, settlement });
  }
}

function sizeOf({ context, message }: Checkpoint): number {
  return ROW + (context?.length ?? 0) + (message?.length ?? 0);
}
