/**
 * What is known of the play at any moment: each task as the database last showed it, who runs it, who began it where, and
 * the log. It looks again and again, and tells whoever waits for a fact.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Task, Taskbaton } from 'taskbaton';
import { Fleet, type Member } from './fleet.ts';
import { importRows, type Position, type Range, type ReplicaMessage } from './import-rows.ts';
import type { Place } from '../support/place.ts';

/** A handler that began: a claim of a task by a replica. */
export interface Beginning {
  readonly letter: string;
  readonly epoch: number;
  readonly queue: 'run' | 'cleanup';
  readonly row: number;
}

/** One part of the file, and the task that imports it. */
export interface Part {
  readonly id: number;
  readonly range: Range;
  /** As it was last seen. */
  task: Task<Range, Position>;
  /** The replica that holds it. */
  letter: string | undefined;
  gone: boolean;
  readonly beginnings: Beginning[];
  /** What was done to it, for the table at the end. */
  readonly story: string[];
}

export type Kind = 'start' | 'pause' | 'run' | 'move' | 'delete' | 'stop' | 'kill' | 'onward' | 'done';

export interface Entry {
  readonly seconds: number;
  readonly kind: Kind;
  readonly text: string;
}

/** Shows the stage to people. */
export interface Display {
  log(entry: Entry): void;
  refresh(stage: Stage): void;
  close(): void;
}

interface Waiter {
  readonly what: string;
  readonly check: () => void;
}

const LOOK_EVERY = 80;

export class Stage {
  readonly title: string;
  readonly parts: Part[] = [];
  readonly fleet: Fleet;
  readonly #baton: Taskbaton;
  readonly #display: Display;
  readonly #begin = performance.now();
  readonly #letters = new Map<string, string>();
  readonly #waiters = new Set<Waiter>();
  readonly #failure = Promise.withResolvers<never>();
  #over = false;

  constructor(title: string, baton: Taskbaton, place: Place, display: Display) {
    this.title = title;
    this.#baton = baton;
    this.#display = display;
    this.fleet = new Fleet({
      place,
      onMessage: (member, message) => this.#heard(member, message),
      onFailure: (error) => this.fail(error),
    });
    // It is raced against by whoever plays; nobody may be listening yet.
    this.#failure.promise.catch(() => undefined);
  }

  get seconds(): number {
    return (performance.now() - this.#begin) / 1000;
  }

  /** What is being waited for. */
  get waitingFor(): string {
    return [...this.#waiters].map(({ what }) => what).join(', ') || 'the end of what runs';
  }

  /** Ends the play with an error, wherever it is. */
  fail(error: Error): void {
    this.#failure.reject(error);
  }

  /** Plays `script` while looking at the database; rejects when either fails. */
  async play<Outcome>(script: () => Promise<Outcome>): Promise<Outcome> {
    this.#watch().catch((error: unknown) => this.fail(error as Error));
    try {
      return await Promise.race([script(), this.#failure.promise]);
    } finally {
      this.#over = true;
      this.#display.close();
    }
  }

  /** Creates the task that imports `range`. */
  async add(range: Range, user: string): Promise<void> {
    const id = await this.#baton.createTask(importRows, range, { user, group: 'day' });
    const task = await this.#baton.getTask(id, { as: importRows });
    this.parts.push({ id, range, task, letter: undefined, gone: false, beginnings: [], story: [] });
  }

  log(kind: Kind, text: string): void {
    this.#display.log({ seconds: this.seconds, kind, text });
  }

  /** Resolves once `fact` holds, with what it returns. */
  until<Fact>(what: string, fact: () => Fact | undefined | false): Promise<Fact> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        what,
        check: () => {
          const found = fact();
          if (found === undefined || found === false) return;
          this.#waiters.delete(waiter);
          resolve(found);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** The tasks that a member runs now. */
  runBy(member: Member): Part[] {
    return this.parts.filter(({ letter, task }) => letter === member.letter && task.state === 'running');
  }

  async #watch(): Promise<void> {
    while (!this.#over) {
      await this.look();
      for (const { check } of this.#waiters) check();
      await sleep(LOOK_EVERY);
    }
  }

  /** Reads everything anew, and shows it. */
  async look(): Promise<void> {
    const { tasks } = await this.#baton.getTasks({ types: [importRows], includeDeleting: true });
    for (const { id, name } of await this.#baton.replicas()) {
      const member = this.fleet.find(name);
      if (member !== undefined) this.#letters.set(id, member.letter);
    }
    const found = new Map(tasks.map((task) => [task.id, task]));
    for (const part of this.parts) this.#update(part, found.get(part.id));
    this.#display.refresh(this);
  }

  #update(part: Part, task: Task<Range, Position> | undefined): void {
    const before = part.task.state;
    part.gone = task === undefined;
    part.letter = task?.replica === undefined ? undefined : this.#letters.get(task.replica);
    if (task === undefined) return;
    part.task = task;
    if (task.state === 'failed') this.fail(new Error(`Task ${part.id} failed: ${task.error?.message}`));
    if (task.state === 'finished' && before !== 'finished') this.log('done', `task ${part.id} is finished`);
  }

  #heard(member: Member, message: ReplicaMessage): void {
    const part = message.what === 'begins' && this.parts.find(({ id }) => id === message.id);
    if (message.what !== 'begins' || part === undefined || part === false) return;
    const { queue, epoch, row } = message;
    const again = part.beginnings.length > 0;
    part.beginnings.push({ letter: member.letter, epoch, queue, row });
    if (queue === 'cleanup') this.log('delete', `task ${part.id} is cleaned up by ${member.letter}`);
    else if (again)
      this.log(
        'onward',
        `task ${part.id} goes on at row ${count(row)} on ${member.letter} in epoch ${epoch}`,
      );
  }
}

/** A number as people write it: 10,000. */
export function count(number: number): string {
  return number.toLocaleString('en-US');
}
