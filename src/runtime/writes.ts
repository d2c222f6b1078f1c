/** What handlers write: reports and ends, those that come together in one commit. */
import type { Clock } from '../core/clock.ts';
import type {
  Checkpoint,
  Fence,
  FencedCheckpoint,
  FencedSettlement,
  Settlement,
} from '../store/settlement.ts';
import { leaseLost } from '../store/settlement.ts';
import type { Store } from '../store/store.ts';
import { GroupCommit } from './group-commit.ts';

/** Bytes of a row besides its texts. */
const ROW = 100;

export class Writes {
  readonly #checkpoints: GroupCommit<FencedCheckpoint, boolean>;
  readonly #settlements: GroupCommit<FencedSettlement, void>;

  constructor(store: Store, clock: Clock) {
    this.#checkpoints = new GroupCommit({
      clock,
      write: async (items) => {
        const stored = await store.checkpointEach(items);
        return stored.map((value) => ({ status: 'fulfilled', value }));
      },
      sizeOf: ({ checkpoint }) => sizeOf(checkpoint),
    });
    this.#settlements = new GroupCommit({
      clock,
      write: (items) => store.settleEach(items),
      sizeOf: ({ settlement: { checkpoint, error, errors } }) =>
        sizeOf(checkpoint) + 2 * (error?.length ?? 0) + (errors?.length ?? 0),
    });
  }

  /** Stores a report. Throws LEASE_LOST. */
  async checkpoint(fence: Fence, checkpoint: Checkpoint): Promise<void> {
    if (!(await this.#checkpoints.add({ fence, checkpoint }))) throw leaseLost(fence);
  }

  /** Ends a claim, moving context and status together. Throws LEASE_LOST. */
  settle(fence: Fence, settlement: Settlement): Promise<void> {
    return this.#settlements.add({ fence, settlement });
  }
}

function sizeOf({ context, message }: Checkpoint): number {
  return ROW + (context?.length ?? 0) + (message?.length ?? 0);
}
