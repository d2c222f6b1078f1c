/**
 * What handlers did, as they themselves write it down: which claims they worked for, when, and what was acknowledged to them.
 */
import type { HandlerArguments, TaskSignal } from '../../src/core/handler.ts';
import type { Progress, Script } from './script.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export type StintKind = 'run' | 'cleanup';

/** One handler at work for one claim. */
export interface Stint {
  readonly process: SimulatedProcess;
  readonly kind: StintKind;
  readonly script: Script;
  readonly task: number;
  readonly epoch: number;
  readonly replica: string;
  readonly signal: TaskSignal;
  /** The step that was reported last before it began. */
  readonly from: number;
  /** How many of this kind have come to their end before. */
  readonly earlier: number;
  /** The last step it was told is stored. */
  acked: number;
  state: 'working' | 'finished' | 'failed' | 'ended';
  /** The engine doesn't wait for it any longer. */
  abandoned: boolean;
  /** It does something. */
  act(): void;
  acknowledged(step: number): void;
  /** It has come to what its script says is the end. */
  finish(state: 'finished' | 'failed'): void;
  /** Nothing of it is left, wherever it was. */
  end(): void;
}

/** Whoever watches over what handlers may do. */
export interface Watcher {
  begun(stint: Stint): void;
  acted(stint: Stint): void;
  acknowledged(stint: Stint, step: number): void;
}

export class Ledger {
  readonly stints: Stint[] = [];
  watcher: Watcher = { begun: () => undefined, acted: () => undefined, acknowledged: () => undefined };

  begin(
    process: SimulatedProcess,
    kind: StintKind,
    { input, context, signal, task }: HandlerArguments<Script, Progress>,
  ): Stint {
    const { watcher } = this;
    const stint: Stint = {
      process,
      kind,
      script: input,
      task: task.id,
      epoch: task.epoch,
      replica: task.replica,
      signal,
      from: context?.step ?? 0,
      earlier: this.of(task.id).filter((other) => other.kind === kind && cameToItsEnd(other)).length,
      acked: context?.step ?? 0,
      state: 'working',
      abandoned: false,
      act: () => watcher.acted(stint),
      acknowledged: (step) => {
        stint.acked = step;
        watcher.acknowledged(stint, step);
      },
      finish: (state) => void (stint.state = state),
      end: () => {
        if (stint.state === 'working') stint.state = 'ended';
      },
    };
    watcher.begun(stint);
    this.stints.push(stint);
    return stint;
  }

  of(task: number): readonly Stint[] {
    return this.stints.filter((stint) => stint.task === task);
  }

  /** Who works or worked for this claim. */
  find(task: number, epoch: number): Stint | undefined {
    return this.stints.find((stint) => stint.task === task && stint.epoch === epoch);
  }
}

function cameToItsEnd({ state }: Stint): boolean {
  return state === 'finished' || state === 'failed';
}

/** Whether it goes on as if nothing had happened. */
export function isLive({ state, signal, process }: Stint): boolean {
  return state === 'working' && !signal.aborted && process.state === 'alive';
}
