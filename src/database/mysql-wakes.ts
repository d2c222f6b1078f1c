/**
 * Hints between processes that share a MySQL or MariaDB, which have no LISTEN: a counter for each topic in a small
 * table, read now and then. Hints of this process are handed on directly.
 */
import type { Clock, Timer } from '../core/clock.ts';
import type { Row, Subscription, WakeListener, WakeTopic } from '../core/connection.ts';

const POLL_MS = 50;

interface Polling {
  readonly listeners: Set<WakeListener>;
  readonly counters: Map<WakeTopic, number>;
  /** How many hints of our own are on their way: meanwhile a higher counter may be theirs, already handed on. */
  raising: number;
  stop(): void;
}

export class MysqlWakes {
  readonly #clock: Clock;
  readonly #read: (channel: string) => Promise<readonly Row[]>;
  readonly #pollings = new Map<string, Polling>();

  constructor(clock: Clock, read: (channel: string) => Promise<readonly Row[]>) {
    this.#clock = clock;
    this.#read = read;
  }

  async listen(channel: string, listener: WakeListener): Promise<Subscription> {
    const polling = this.#pollings.get(channel) ?? this.#poll(channel, await this.#read(channel));
    this.#pollings.set(channel, polling);
    polling.listeners.add(listener);
    listener.health(true);
    return {
      close: async () => {
        polling.listeners.delete(listener);
        if (polling.listeners.size > 0) return;
        polling.stop();
        this.#pollings.delete(channel);
      },
    };
  }

  /** A hint from this process; `raised` must follow. */
  raise(channel: string, topic: WakeTopic): void {
    const polling = this.#pollings.get(channel);
    if (polling !== undefined) polling.raising += 1;
    this.#wake(channel, topic);
  }

  #wake(channel: string, topic: WakeTopic): void {
    for (const listener of this.#pollings.get(channel)?.listeners ?? []) listener.wake(topic);
  }

  /** Our own hint has raised the counter to `counter`, or is lost; so may have others, unnoticed. */
  raised(channel: string, topic: WakeTopic, counter: number | undefined): void {
    const polling = this.#pollings.get(channel);
    if (polling === undefined) return;
    polling.raising = Math.max(0, polling.raising - 1);
    if (counter === undefined) return;
    const alone = polling.counters.get(topic) === counter - 1;
    polling.counters.set(topic, counter);
    if (!alone) this.#wake(channel, topic);
  }

  close(): void {
    for (const polling of this.#pollings.values()) polling.stop();
    this.#pollings.clear();
  }

  #poll(channel: string, rows: readonly Row[]): Polling {
    const listeners = new Set<WakeListener>();
    const counters = countersFrom(rows);
    let timer: Timer | undefined;
    let stopped = false;
    let working = true;
    const report = (works: boolean, cause?: unknown): void => {
      if (works === working) return;
      working = works;
      for (const listener of listeners) listener.health(works, cause);
    };
    const look = async (): Promise<void> => {
      try {
        const before = polling.raising;
        const found = countersFrom(await this.#read(channel));
        if (before > 0 || polling.raising > 0) return again();
        const raised = [...found].filter(([topic, counter]) => counter !== counters.get(topic));
        for (const [topic, counter] of found) counters.set(topic, counter);
        for (const [topic] of raised) for (const listener of listeners) listener.wake(topic);
        report(true);
      } catch (error) {
        report(false, error);
      }
      again();
    };
    const again = (): void => {
      if (!stopped) timer = this.#clock.after(POLL_MS, () => void look());
    };
    again();
    const polling: Polling = {
      listeners,
      counters,
      raising: 0,
      stop: () => {
        stopped = true;
        timer?.cancel();
      },
    };
    return polling;
  }
}

function countersFrom(rows: readonly Row[]): Map<WakeTopic, number> {
  return new Map(rows.map((row) => [row['topic'] as WakeTopic, Number(row['counter'])]));
}
