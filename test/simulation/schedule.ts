/**
 * What is going to happen in a run, as data: a list of processes, operations and faults, each of which can be left out. A
 * failing one is made shorter by leaving out what it doesn't need.
 */
import type { HintMode, StatementFault } from './network.ts';
import type { Script, ScriptedType } from './script.ts';
import type { ClockError } from './simulated-process.ts';

export type Operation =
  | {
      readonly kind: 'create';
      readonly type: ScriptedType;
      readonly group: string;
      readonly priority: number;
      readonly key: string | undefined;
      readonly script: Script;
    }
  | { readonly kind: 'run' | 'pause' | 'delete'; readonly task: number }
  | { readonly kind: 'move'; readonly task: number; readonly group: string }
  | { readonly kind: 'run all' | 'pause all' | 'delete all'; readonly group: string }
  | { readonly kind: 'pause group'; readonly group: string; readonly running: boolean }
  | { readonly kind: 'resume group'; readonly group: string }
  | { readonly kind: 'limit group'; readonly group: string; readonly most: number | null };

/** What befalls a process as a whole; after `ms` milliseconds it is over, or the process is started anew. */
export type ProcessFault = 'crash' | 'freeze' | 'cut off' | 'slow' | 'stop';

export type Item =
  | {
      readonly kind: 'process';
      readonly at: number;
      readonly clock: ClockError;
      readonly concurrency: number;
    }
  | { readonly kind: 'operation'; readonly at: number; readonly by: number; readonly operation: Operation }
  | {
      readonly kind: 'statement fault';
      readonly process: number;
      readonly fault: StatementFault;
    }
  | {
      readonly kind: 'process fault';
      readonly at: number;
      readonly process: number;
      readonly fault: ProcessFault;
      readonly ms: number;
    };

export interface Settings {
  readonly latency: number;
  readonly hints: HintMode;
  readonly policy: 'fifo' | 'priority' | 'fair';
  /** With a history, what would be one statement is a transaction. */
  readonly history: 'off' | 'changes' | 'all';
}

export interface Schedule {
  readonly seed: number;
  readonly settings: Settings;
  /** Items keep their numbers when others are left out. */
  readonly items: ReadonlyMap<number, Item>;
}

export const LEASE = 3000;
export const POLL = 750;
export const GRACE = 800;
export const GROUPS: readonly string[] = ['a', 'b'];

/** Only some of the items, by their numbers. */
export function onlyItems(schedule: Schedule, kept: ReadonlySet<number>): Schedule {
  return { ...schedule, items: new Map([...schedule.items].filter(([number]) => kept.has(number))) };
}

/** One line for each item, for people. */
export function describeItem(item: Item): string {
  switch (item.kind) {
    case 'process':
      return `a replica with ${item.concurrency} slots from ${item.at} ms, its clock off by ${item.clock.offset} ms`;
    case 'operation':
      return `at ${item.at} ms, through p${item.by}: ${JSON.stringify(item.operation)}`;
    case 'statement fault':
      return `statement ${item.fault.nth} (${item.fault.of}) of p${item.process}: ${item.fault.kind}, ${item.fault.ms} ms`;
    case 'process fault':
      return `at ${item.at} ms, p${item.process}: ${item.fault}, ${item.ms} ms`;
  }
}
