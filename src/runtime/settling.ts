/** Waiting until tasks that were asked to stop have stopped: by asking for all of them at once, less and less often. */
import type { BulkChange, SettledOptions } from '../core/bulk.ts';
import { type Clock, sleep } from '../core/clock.ts';
import { milliseconds } from '../core/duration.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { checkParts } from '../core/name.ts';

const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 500;

export interface Settling {
  readonly changed: number;
  readonly clock: Clock;
  /** Fires when nothing can be asked any more. */
  readonly stopped: AbortSignal;
  /** How many have not stopped yet. */
  readonly left: () => Promise<number>;
}

export function bulkChange({ changed, clock, stopped, left }: Settling): BulkChange {
  return {
    changed,
    async settled(options: SettledOptions = {}): Promise<void> {
      checkParts('options', options, ['signal', 'timeout']);
      const { signal, timeout } = options;
      const most = timeout === undefined ? Infinity : milliseconds(timeout);
      if (most === undefined)
        throw new TaskbatonError('INVALID_ARGUMENT', {
          argument: 'timeout',
          value: show(timeout),
          problem: `it must be milliseconds, or a text such as '30s'`,
        });
      const calledOff = AbortSignal.any([stopped, ...(signal === undefined ? [] : [signal])]);
      const begin = clock.monotonic();
      for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
        signal?.throwIfAborted();
        if (stopped.aborted) throw new TaskbatonError('NOT_RUNNING');
        const count = await left();
        if (count === 0) return;
        const rest = most - (clock.monotonic() - begin);
        if (rest <= 0) throw new TaskbatonError('NOT_SETTLED', { count, timeout: most });
        await sleep(clock, Math.min(pause, rest), calledOff);
      }
    },
  };
}
