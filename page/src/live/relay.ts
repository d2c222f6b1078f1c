/** The hand-overs seen since the page was opened: a task left one replica, and another took it. */
import { signal } from '@preact/signals';
import { listen } from './events.ts';

export interface HandOver {
  readonly cursor: string;
  readonly task: number;
  readonly from: string;
  readonly to: string;
  readonly at: string;
  /** How long nobody had it, in ms. */
  readonly pause: number;
}

const KEPT = 30;
/** Tasks whose next replica is awaited. */
const LEFT_AT_MOST = 1_000;
const LEAVING = new Set(['yield', 'recover']);

export const handOvers = signal<readonly HandOver[]>([]);
const left = new Map<number, { readonly replica: string; readonly at: string }>();

export function startRelay(): void {
  listen({
    change: ({ cursor, task, event, replica, at }) => {
      if (task === null) return;
      if (LEAVING.has(event) && replica !== null) {
        left.set(task, { replica, at });
        if (left.size > LEFT_AT_MOST) left.delete(left.keys().next().value ?? task);
        return;
      }
      const before = left.get(task);
      left.delete(task);
      if (event !== 'claim' || before === undefined || replica === null || before.replica === replica) return;
      const pause = Math.max(0, Date.parse(at) - Date.parse(before.at));
      const entry = { cursor, task, from: before.replica, to: replica, at, pause };
      handOvers.value = [entry, ...handOvers.value].slice(0, KEPT);
    },
  });
}
