/**
 * What a process under test and its test say to each other. It imports nothing that runs: `node:test`, for one, makes
 * stdout non-blocking, and then a line that finds the pipe full is lost, with an error in whoever writes it.
 */
import type { EngineEvent, TaskbatonOptions } from '../../src/index.ts';

/** What a handler under test puts down. */
export interface Entry {
  readonly what: 'begin' | 'did' | 'acked' | 'refused' | 'signal' | 'cleaned' | 'unblocked';
  readonly task: number;
  readonly epoch: number;
  readonly step?: number;
  /** Why the signal fired, or how a report was refused. */
  readonly why?: string;
}

export interface Facts {
  ready: object;
  event: { readonly event: EngineEvent };
  ledger: Entry;
  log: { readonly level: string; readonly message: string };
  answer: {
    readonly request: number;
    readonly value?: unknown;
    readonly error?: string;
    readonly code?: string;
  };
  /** An unhandled rejection or exception. */
  unhandled: { readonly error: string };
  freezing: object;
}

export type Kind = keyof Facts;

/** A fact that a child told; `at` is in milliseconds of `monotonic()`. */
export type Line<Of extends Kind = Kind> = {
  [K in Of]: { readonly kind: K; readonly at: number } & Facts[K];
}[Of];

/** What to run in a child: options of Taskbaton, and whether it starts at once (it does by default). */
export interface ReplicaConfig extends Pick<
  TaskbatonOptions,
  'concurrency' | 'pollInterval' | 'lease' | 'stopGrace' | 'heartbeat' | 'maxBlock'
> {
  readonly start?: boolean;
}

/** Milliseconds on a clock that all processes of this machine share, and that no one sets. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
