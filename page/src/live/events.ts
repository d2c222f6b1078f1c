/**
 * News from the server: one event stream for the whole page. Where no stream comes through, everything is asked again
 * every few seconds instead; while the server doesn't answer at all, the page says so and keeps trying.
 */
import { computed, signal } from '@preact/signals';
import type { HistoryView, TaskView } from '../../../src/dashboard/api.ts';
import { reachable } from '../api/client.ts';

export type Connection = 'connecting' | 'live' | 'polling' | 'lost';

export interface Listener {
  /** A task changed. */
  change?(entry: HistoryView): void;
  /** How a task stands now. */
  task?(task: TaskView): void;
  /** There is no such task any more. */
  gone?(id: number): void;
  /** Anything may have changed. */
  pulse?(): void;
}

const POLL_INTERVAL = 3_000;
const STREAM_RETRY = 20_000;
/** The server says something at least every 15 s. */
const LONGEST_SILENCE = 40_000;
/** So many failures of a stream in a row, and the page polls. */
const PATIENCE = 2;

type Stream = 'opening' | 'open' | 'failed';

const stream = signal<Stream>('opening');
const listeners = new Set<Listener>();
let source: EventSource | undefined;
let failures = 0;
let silence: ReturnType<typeof setTimeout> | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;
let poll: ReturnType<typeof setInterval> | undefined;

export const connection = computed<Connection>(() => {
  if (stream.value === 'open') return 'live';
  if (!reachable.value) return 'lost';
  return stream.value === 'failed' ? 'polling' : 'connecting';
});

export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Begins, and rests while nobody sees the page. */
export function startEvents(): void {
  const follow = (): void => (document.hidden ? rest() : open());
  document.addEventListener('visibilitychange', () => {
    follow();
    if (!document.hidden) pulse();
  });
  addEventListener('pagehide', rest);
  follow();
}

function open(): void {
  rest();
  const opened = new EventSource('api/events');
  source = opened;
  opened.addEventListener('open', () => {
    const missed = stream.value === 'failed';
    failures = 0;
    stream.value = 'open';
    reachable.value = true;
    clearInterval(poll);
    poll = undefined;
    hear();
    if (missed) pulse();
  });
  opened.addEventListener('error', fail);
  opened.addEventListener('change', (event) => {
    hear();
    tell('change', JSON.parse(event.data as string) as HistoryView);
  });
  opened.addEventListener('task', (event) => {
    hear();
    tell('task', JSON.parse(event.data as string) as TaskView);
  });
  opened.addEventListener('gone', (event) => {
    hear();
    tell('gone', (JSON.parse(event.data as string) as { id: number }).id);
  });
  opened.addEventListener('missed', pulse);
  opened.addEventListener('tick', hear);
}

function rest(): void {
  source?.close();
  source = undefined;
  clearTimeout(silence);
  clearTimeout(retry);
  clearInterval(poll);
  poll = undefined;
}

function hear(): void {
  clearTimeout(silence);
  silence = setTimeout(fail, LONGEST_SILENCE);
}

function fail(): void {
  failures += 1;
  if (stream.value === 'open') stream.value = 'opening';
  if (failures < PATIENCE && source?.readyState !== EventSource.CLOSED) return;
  source?.close();
  source = undefined;
  clearTimeout(silence);
  stream.value = 'failed';
  poll ??= setInterval(pulse, POLL_INTERVAL);
  pulse();
  clearTimeout(retry);
  retry = setTimeout(open, STREAM_RETRY);
}

function tell<Name extends 'change' | 'task' | 'gone'>(
  name: Name,
  news: Parameters<NonNullable<Listener[Name]>>[0],
): void {
  for (const listener of listeners) (listener[name] as ((told: typeof news) => void) | undefined)?.(news);
}

function pulse(): void {
  for (const listener of listeners) listener.pulse?.();
}
