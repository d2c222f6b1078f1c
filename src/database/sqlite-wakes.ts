/**
 * Hints between processes that share a SQLite file, which has no LISTEN: a counter for each topic in a small table.
 * `data_version` says at next to no cost that another process wrote something; only then are the counters read. It
 * doesn't change for writes of our own connection, so hints of this process are handed on directly.
 */
import type { Clock, Timer } from '../core/clock.ts';
import type { QueryResult, Row, Subscription, WakeListener, WakeTopic } from '../core/connection.ts';

const POLL_MS = 10;

interface Channel {
  readonly listeners: Set<WakeListener>;
  readonly counters: Map<WakeTopic, number>;
}

export class SqliteWakes {
  readonly #clock: Clock;
  /** Runs a reading statement at once, or says undefined if the connection is taken. */
  readonly #peek: (sql: string) => QueryResult | undefined;
  readonly #channels = new Map<string, Channel>();
  #timer: Timer | undefined;
  #version: unknown;
  #working = true;

  constructor(clock: Clock, peek: (sql: string) => QueryResult | undefined) {
    this.#clock = clock;
    this.#peek = peek;
  }

  /** `rows` is where the counters stand. */
  listen(name: string, listener: WakeListener, rows: readonly Row[]): Subscription {
    const channel = this.#channels.get(name) ?? { listeners: new Set(), counters: countersFrom(rows) };
    this.#channels.set(name, channel);
    channel.listeners.add(listener);
    this.#timer ??= this.#clock.after(POLL_MS, this.#poll);
    listener.health(this.#working);
    return {
      close: async () => {
        channel.listeners.delete(listener);
        if (channel.listeners.size === 0) this.#channels.delete(name);
        if (this.#channels.size === 0) this.close();
      },
    };
  }

  /** A hint from this process. */
  wake(name: string, topic: WakeTopic): void {
    for (const listener of this.#channels.get(name)?.listeners ?? []) listener.wake(topic);
  }

  /** Our own hint, handed on already, has raised the counter to `counter`; so may have others, unnoticed. */
  raised(name: string, topic: WakeTopic, counter: number): void {
    const counters = this.#channels.get(name)?.counters;
    const alone = counter - 1 === counters?.get(topic);
    counters?.set(topic, counter);
    if (!alone) this.wake(name, topic);
  }

  close(): void {
    this.#channels.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  readonly #poll = (): void => {
    this.#timer = this.#clock.after(POLL_MS, this.#poll);
    try {
      this.#look();
      this.#report(true);
    } catch (error) {
      this.#report(false, error);
    }
  };

  #look(): void {
    const version = this.#peek('PRAGMA data_version')?.rows[0]?.['data_version'];
    if (version === undefined || version === this.#version) return;
    for (const [name, channel] of this.#channels) {
      const found = this.#peek(`SELECT topic, counter FROM ${name}`);
      if (found === undefined) return;
      for (const [topic, counter] of countersFrom(found.rows)) {
        if (counter === channel.counters.get(topic)) continue;
        channel.counters.set(topic, counter);
        this.wake(name, topic);
      }
    }
    this.#version = version;
  }

  #report(working: boolean, cause?: unknown): void {
    if (working === this.#working) return;
    this.#working = working;
    for (const { listeners } of this.#channels.values()) {
      for (const listener of listeners) listener.health(working, cause);
    }
  }
}

function countersFrom(rows: readonly Row[]): Map<WakeTopic, number> {
  return new Map(rows.map((row) => [row['topic'] as WakeTopic, Number(row['counter'])]));
}
