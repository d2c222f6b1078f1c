/**
 * LISTEN that is known to work. A listener may be deaf without any error (half-open connection, pooler, standby), so
 * it sends probes to itself through the pool; one that doesn't come back, or a lost connection, makes it start anew.
 */
import { type Clock, jittered } from '../core/clock.ts';
import { type Subscription, WAKE_TOPICS, type WakeListener, type WakeTopic } from '../core/connection.ts';
import type { PostgresDriver } from './postgres-driver.ts';
import { TimedOut } from './within.ts';

const PROBE_EVERY_MS = 30_000;
const PROBE_WITHIN_MS = 5000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

export class PostgresListener implements Subscription {
  readonly #driver: PostgresDriver;
  readonly #clock: Clock;
  readonly #channel: string;
  readonly #listener: WakeListener;
  readonly #closing = new AbortController();
  readonly #done: Promise<void>;
  #working: boolean | undefined;
  #failures = 0;
  /** The probe under way: what it says, and whom to tell that it came back. */
  #probe: { readonly payload: string; readonly heard: () => void } | undefined;

  constructor(driver: PostgresDriver, clock: Clock, channel: string, listener: WakeListener) {
    this.#driver = driver;
    this.#clock = clock;
    this.#channel = channel;
    this.#listener = listener;
    this.#done = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const cause = await this.#listenUntilLost();
      if (this.#closing.signal.aborted) return;
      this.#report(false, cause);
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LONGEST_PAUSE_MS);
      await this.#wait(jittered(this.#clock, pause), this.#closing.signal);
    }
  }

  /** Says why it ended. */
  async #listenUntilLost(): Promise<unknown> {
    const closing = this.#closing.signal;
    const listening = this.#driver.listen(this.#channel, {
      message: (payload) => this.#hear(payload),
      ready: () => WAKE_TOPICS.forEach((topic) => this.#wake(topic)),
    });
    try {
      const listened = await unless(closing, listening);
      const over = AbortSignal.any([listened.lost, closing]);
      while (!over.aborted) {
        await this.#sendProbe(over);
        this.#failures = 0;
        this.#report(true);
        await this.#wait(PROBE_EVERY_MS, over);
      }
      return listened.lost.reason;
    } catch (error) {
      return error;
    } finally {
      void listening.then((listened) => listened.close()).catch(ignore);
    }
  }

  async #sendProbe(over: AbortSignal): Promise<void> {
    const payload = `probe ${this.#clock.uuid()}`;
    const back = new AbortController();
    this.#probe = { payload, heard: () => back.abort() };
    await unless(over, this.#driver.query('SELECT pg_notify($1, $2)', [this.#channel, payload]));
    await this.#wait(PROBE_WITHIN_MS, AbortSignal.any([over, back.signal]));
    over.throwIfAborted();
    if (!back.signal.aborted) {
      throw new TimedOut(`a notification to itself did not come back within ${PROBE_WITHIN_MS} ms`);
    }
  }

  #hear(payload: string): void {
    if (payload === this.#probe?.payload) this.#probe.heard();
    const topic = WAKE_TOPICS.find((name) => name === payload);
    if (topic !== undefined) this.#wake(topic);
  }

  #wake(topic: WakeTopic): void {
    if (!this.#closing.signal.aborted) this.#listener.wake(topic);
  }

  #report(working: boolean, cause?: unknown): void {
    if (working === this.#working) return;
    this.#working = working;
    this.#listener.health(working, cause);
  }

  /** Unlike `sleep`, it doesn't keep the process alive. */
  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const end = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#clock.after(ms, end);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}

/** `promise`, or a rejection as soon as `signal` fires. */
async function unless<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  const done = new AbortController();
  const fired = new Promise<never>((_resolve, reject) => {
    const refuse = (): void => reject(signal.reason as Error);
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true, signal: done.signal });
  });
  try {
    return await Promise.race([promise, fired]);
  } finally {
    done.abort();
  }
}

function ignore(): void {
  // Why listening failed has been told by then.
}
