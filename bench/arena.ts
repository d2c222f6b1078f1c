/** Where one contestant plays for one run: a fresh database, and the processes that work on it. */
import { Taskbaton } from 'taskbaton';
import { Actor } from './actor.ts';
import { type Ground, groundOn, type Work } from './ground.ts';
import type { Entry } from './roster.ts';
import type { Servers } from './servers.ts';

/** What a producer is asked to create by one command. */
const FILLED_AT_ONCE = 20_000;

let arenas = 0;

export class Arena {
  readonly entry: Entry;
  readonly #ground: Ground;
  readonly #actors: Actor[] = [];
  #observer: Taskbaton | undefined;

  private constructor(entry: Entry, ground: Ground) {
    this.entry = entry;
    this.#ground = ground;
  }

  static async open(servers: Servers, entry: Entry): Promise<Arena> {
    const setUp = async (database: string): Promise<void> => {
      const actor = role(entry, database);
      try {
        await actor.call('setUp');
      } finally {
        await actor.end();
      }
    };
    const url = await servers.url(entry.server);
    const ground = await groundOn(entry.server, url, `bench_${++arenas}`, entry.name, setUp);
    if (!ground.ready) await setUp(ground.database);
    return new Arena(entry, ground);
  }

  get database(): string {
    return this.#ground.database;
  }

  /** A process for a role of the contestant. */
  async role(): Promise<Actor> {
    return this.#keep(role(this.entry, this.database));
  }

  /** A process for what only taskbaton is asked to do. */
  async replica(): Promise<Actor> {
    return this.program('./replica.ts');
  }

  /** A process of one of our own programs in this folder. */
  async program(file: string): Promise<Actor> {
    return this.#keep(new Actor(file, [this.database]));
  }

  /** Has so many tasks created, and lets the server come to rest. */
  async fill(tasks: number): Promise<void> {
    const producer = await this.role();
    await producer.call('produce');
    for (let from = 0; from < tasks; from += FILLED_AT_ONCE)
      await producer.call('createMany', { tasks: Math.min(FILLED_AT_ONCE, tasks - from), from });
    await producer.call('stop');
    await producer.end();
    await this.settle();
  }

  async settle(): Promise<void> {
    await this.#ground.settle();
  }

  /** Whether a task isn't durably done yet. */
  async unfinished(): Promise<boolean> {
    if (this.entry.module !== OURS) return this.#ground.selects(this.entry.unfinished ?? '');
    this.#observer ??= new Taskbaton({ db: this.database, migrate: false, logger: null });
    const { tasks } = await this.#observer.getTasks({ states: UNFINISHED, limit: 1 });
    return tasks.length > 0;
  }

  async work(): Promise<Work> {
    return this.#ground.work();
  }

  async close(): Promise<void> {
    await Promise.all(this.#actors.map((actor) => actor.end()));
    await this.#observer?.stop();
    await this.#ground.remove();
  }

  async #keep(actor: Actor): Promise<Actor> {
    this.#actors.push(actor);
    await actor.ready();
    return actor;
  }
}

const OURS = './contestants/ours.ts';
const UNFINISHED = ['init', 'pending', 'running', 'paused', 'failed'] as const;

function role({ module, setting }: Entry, database: string): Actor {
  return new Actor('./role.ts', [module, setting, database]);
}
