/**
 * A process that plays one part in a benchmark, as its parent holds it: commands go there by IPC, and what it counts
 * comes back by itself. A process of its own, so that no part lends another its event loop.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a child sends, beside the answers to commands. */
export type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'count'; readonly count: number; readonly first: number }
  | { readonly kind: 'answer'; readonly id: number; readonly result?: unknown; readonly error?: string };

export interface Command {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

const END_TIMEOUT = 5000;
const LOOKED_AT_EVERY = 2;

/** Resolves once the actors have counted so many together. */
export async function counted(actors: readonly Actor[], count: number, patience: number): Promise<void> {
  await eventually(
    async () => actors.reduce((sum, actor) => sum + actor.count, 0) >= count,
    patience,
    () => `only ${actors.map((actor) => actor.count).join(' + ')} of ${count} in ${patience} ms`,
  );
}

/** Resolves once `holds` does. */
export async function eventually(
  holds: () => Promise<boolean>,
  patience: number,
  complain: () => string,
): Promise<void> {
  const end = performance.now() + patience;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(complain());
    await sleep(LOOKED_AT_EVERY);
  }
}

export class Actor {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ready = Promise.withResolvers<void>();
  #ids = 0;
  #count = 0;
  #first: number | undefined;

  /** `program` is a file in this folder, `args` what it is told. */
  constructor(program: string, args: readonly string[]) {
    const file = new URL(program, import.meta.url);
    // What is deprecated in a peer is not for us to read.
    const execArgv = ['--no-deprecation'];
    this.#child = fork(file, [...args], { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child.on('message', (message) => this.#receive(message as Message));
    this.#child.once('exit', (code, signal) => this.#fail(`${args.join(' ')} ended (${code ?? signal})`));
    // Whoever calls next hears of it.
    this.#ready.promise.catch(() => undefined);
  }

  /** How many handlers have come to where it counts them. */
  get count(): number {
    return this.#count;
  }

  /** When the first handler began there, by the clock that all processes share. */
  get first(): number | undefined {
    return this.#first;
  }

  async ready(): Promise<void> {
    await this.#ready.promise;
  }

  async call<Result = void>(name: string, argument: unknown = {}): Promise<Result> {
    await this.ready();
    const id = ++this.#ids;
    const answered = Promise.withResolvers<unknown>();
    this.#calls.set(id, answered);
    this.#child.send({ id, name, argument } satisfies Command);
    return (await answered.promise) as Result;
  }

  /** As a crash. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    const waiting = new AbortController();
    const late = sleep(END_TIMEOUT, undefined, { signal: waiting.signal }).then(
      () => this.kill(),
      () => undefined,
    );
    await exited;
    waiting.abort();
    await late;
  }

  #receive(message: Message): void {
    if (message.kind === 'ready') this.#ready.resolve();
    else if (message.kind === 'count') {
      this.#count = message.count;
      this.#first = message.first;
    } else {
      const call = this.#calls.get(message.id);
      this.#calls.delete(message.id);
      if (message.error === undefined) call?.resolve(message.result);
      else call?.reject(new Error(message.error));
    }
  }

  #fail(reason: string): void {
    const error = new Error(reason);
    this.#ready.reject(error);
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}
