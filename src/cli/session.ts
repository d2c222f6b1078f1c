/**
 * What a command works with: the instance (opened at its first use, closed in the end, never made a replica), the screen,
 * the question before what cannot be undone, and who it is that acts.
 */
import { createInterface } from 'node:readline/promises';
import type { Author } from '../core/author.ts';
import { isTaskbatonError, messageFrom } from '../core/errors.ts';
import { resolveOptions, type Settings } from '../core/options.ts';
import type { Task } from '../core/task.ts';
import { internalsOf } from '../runtime/internals.ts';
import { ScheduleControl } from '../schedule-control.ts';
import { databaseTime } from '../store/health.ts';
import type { Store } from '../store/store.ts';
import { Taskbaton } from '../taskbaton.ts';
import { checkNamed, findPlace, missingFile, type Place } from './configuration.ts';
import { CommandError } from './exit.ts';
import type { Host } from './host.ts';
import type { Result } from './result.ts';
import { Screen } from './screen/screen.ts';

export class Session {
  readonly host: Host;
  readonly json: boolean;
  readonly #options: ReadonlyMap<string, readonly string[]>;
  #place: Promise<Place> | undefined;
  #baton: Promise<Taskbaton> | undefined;

  constructor(host: Host, options: ReadonlyMap<string, readonly string[]>) {
    this.host = host;
    this.#options = options;
    this.json = options.has('json');
  }

  /** Whether people look at what is shown, rather than programs. */
  get live(): boolean {
    return this.host.stdout.isTTY && !this.json;
  }

  /** What an option was given on the command line itself. */
  given(option: string): string | undefined {
    return this.#options.get(option)?.at(-1);
  }

  /** Throws CommandError where no database is named. */
  async place(): Promise<Place> {
    const place = await this.#find();
    checkNamed(place);
    return place;
  }

  /** Whether or not a database is named. Throws INVALID_OPTION. */
  async settings(): Promise<Settings> {
    return resolveOptions((await this.#find()).options);
  }

  #find(): Promise<Place> {
    this.#place ??= findPlace(this.#options, this.host);
    return this.#place;
  }

  /** Who changes something, and why, for the history. */
  by(reason: string | undefined): Author {
    return { actor: `cli:${this.host.user}`, reason };
  }

  /** The system, on whose tables it relies. A file that isn't there isn't made by looking into it. */
  baton({ mayCreate = false }: { readonly mayCreate?: boolean } = {}): Promise<Taskbaton> {
    this.#baton ??= this.#open(mayCreate);
    return this.#baton;
  }

  async store(): Promise<Store> {
    return internalsOf(await this.baton()).stores.open();
  }

  async schedules(): Promise<ScheduleControl> {
    return new ScheduleControl(await this.baton());
  }

  /** The database's time, by which all ages are counted. */
  async now(): Promise<number> {
    return databaseTime((await this.store()).scopes);
  }

  screen(now: number = 0): Screen {
    return new Screen(this.host, now);
  }

  async print(result: Result): Promise<void> {
    const needsTime = this.#baton !== undefined && !this.json;
    const screen = this.screen(needsTime ? await this.now().catch(() => this.host.time()) : this.host.time());
    if (!this.json) screen.print(result.show(screen));
    else if (result.json !== undefined) screen.printJson(result.json);
  }

  /** Asks a question that is answered by yes or no; where nobody can answer, that is an error. */
  async confirm(question: string): Promise<boolean> {
    const { stdin, stderr } = this.host;
    if (!stdin.isTTY || !stderr.isTTY) {
      const remedy = 'Nothing was changed. Say --yes if it is meant.';
      throw new CommandError(
        'usage',
        `${question.replace(/ \[y\/N\] $/, '')} Nobody is there to answer`,
        remedy,
      );
    }
    const lines = createInterface({ input: stdin, output: stderr });
    const ending = new AbortController();
    const end = (): void => ending.abort();
    lines.once('SIGINT', end).once('close', end);
    try {
      return /^y(es)?$/i.test((await lines.question(question, { signal: ending.signal })).trim());
    } catch {
      stderr.write('\n');
      return false;
    } finally {
      lines.close();
    }
  }

  async close(): Promise<void> {
    const baton = await this.#baton?.catch(() => undefined);
    await baton?.stop();
  }

  async #open(mayCreate: boolean): Promise<Taskbaton> {
    const { options } = await this.place();
    const missing = mayCreate ? undefined : missingFile(options.db, this.host.folder);
    if (missing !== undefined) {
      const remedy = 'Check the path, or let it be made: taskbaton migrate';
      throw new CommandError('database', `there is no file ${missing}`, remedy);
    }
    return new Taskbaton(options);
  }
}

/** A task without its payload; undefined if it is gone. */
export async function findTask(baton: Taskbaton, id: number): Promise<Task | undefined> {
  try {
    return await baton.getTask(id, { includeDeleting: true, redacted: true });
  } catch (error) {
    if (isTaskbatonError(error, 'TASK_NOT_FOUND')) return undefined;
    throw error;
  }
}

/** The message of one of our errors without its remedy, which it ends with. */
export function problemOf(error: Error & { readonly remedy?: string }): string {
  const message = messageFrom(error);
  const tail = `. ${error.remedy ?? ''}`;
  return message.endsWith(tail) ? message.slice(0, -tail.length) : message;
}
