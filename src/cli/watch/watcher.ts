/** A live view at work: it looks again and again, does what keys ask for, and draws whatever has changed. */
import { sleep } from '../../core/clock.ts';
import { isTaskbatonError, messageFrom } from '../../core/errors.ts';
import { PUBLIC_STATES, type PublicState } from '../../core/status.ts';
import type { Task, TaskFilter } from '../../core/task.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Taskbaton } from '../../taskbaton.ts';
import { Screen } from '../screen/screen.ts';
import { type KeyName, Terminal } from '../screen/terminal.ts';
import { findTask, problemOf, type Session } from '../session.ts';
import { pictureOf } from './picture.ts';
import { Scene } from './scene.ts';

export interface WatchedTasks {
  readonly filter: TaskFilter;
  /** A single task, which is all there is to see. */
  readonly id: number | undefined;
  /** Milliseconds between two looks. */
  readonly interval: number;
}

/** Those come first, whatever their number: nobody wants to look for what is running. */
const AT_WORK: readonly PublicState[] = ['running', 'canceling'];
const DONE: readonly PublicState[] = ['finished'];

export class Watcher {
  readonly #session: Session;
  readonly #baton: Taskbaton;
  readonly #watched: WatchedTasks;
  readonly #label: string;
  readonly #scene = new Scene();
  readonly #ending = new AbortController();
  readonly #acts: Readonly<Record<KeyName, () => void>>;
  #terminal: Terminal | undefined;
  /** The database's time at the last look, and the monotonic clock then. */
  #time = { theirs: 0, ours: 0 };
  /** Ends the rest between two looks. */
  #wake: (() => void) | undefined;
  #wanted = false;

  constructor(session: Session, baton: Taskbaton, label: string, watched: WatchedTasks) {
    this.#session = session;
    this.#baton = baton;
    this.#label = label;
    this.#watched = watched;
    const scene = this.#scene;
    const quit = (): void => this.#ending.abort();
    this.#acts = {
      q: quit,
      'ctrl-c': quit,
      'ctrl-d': quit,
      escape: () => (scene.details && watched.id === undefined ? (scene.details = false) : quit()),
      up: () => scene.move(-1),
      k: () => scene.move(-1),
      down: () => scene.move(1),
      j: () => scene.move(1),
      pageup: () => scene.move(-10),
      pagedown: () => scene.move(10),
      home: () => scene.move(-Infinity),
      end: () => scene.move(Infinity),
      return: () => {
        scene.details = watched.id !== undefined || !scene.details;
        this.#lookSoon();
      },
      p: () => this.#act('told to pause', (id) => baton.pauseTask(id, session.by('by key in watch'))),
      r: () => this.#act('told to run', (id) => baton.runTask(id, session.by('by key in watch'))),
      d: () => this.#askToDelete(),
      f: () => {
        scene.finished = !scene.finished;
        this.#lookSoon();
      },
    };
    scene.details = watched.id !== undefined;
  }

  /** Resolves when it was ended by a key or a signal, or its only task is done: to that task, if it is. */
  async run(): Promise<Task | undefined> {
    const { host } = this.#session;
    const offSignal = host.onSignal(() => this.#ending.abort());
    this.#terminal = new Terminal(host, {
      key: (name) => this.#press(name),
      resized: () => this.#draw(),
    });
    try {
      while (!this.#ending.signal.aborted) {
        const ended = await this.#look();
        this.#draw();
        if (ended !== undefined) return ended;
        await this.#rest();
      }
      return undefined;
    } finally {
      this.#terminal.close();
      offSignal();
    }
  }

  /** Until the next look, or until somebody wants one. */
  async #rest(): Promise<void> {
    const over = new AbortController();
    const end = (): void => over.abort();
    this.#wake = end;
    this.#ending.signal.addEventListener('abort', end, { once: true });
    if (!this.#wanted) await sleep(systemClock, this.#watched.interval, over.signal);
    this.#wanted = false;
    this.#ending.signal.removeEventListener('abort', end);
  }

  #lookSoon(): void {
    this.#wanted = true;
    this.#wake?.();
  }

  async #look(): Promise<Task | undefined> {
    try {
      const overview = await this.#baton.overview();
      const tasks = await this.#read();
      const left = await this.#readLeft(tasks);
      const now = systemClock.monotonic();
      this.#time = { theirs: await this.#session.now(), ours: now };
      this.#scene.see({ overview, tasks, left }, now);
      this.#scene.shown = await this.#readShown();
      const [only] = tasks;
      const ended = only?.state === 'finished' || only?.state === 'failed';
      return this.#watched.id !== undefined && ended ? this.#scene.shown : undefined;
    } catch (error) {
      const gone = this.#watched.id !== undefined && isTaskbatonError(error, 'TASK_NOT_FOUND');
      if (this.#scene.overview === undefined || gone) throw error;
      this.#scene.trouble = problemOf(error as Error);
      return undefined;
    }
  }

  async #read(): Promise<readonly Task[]> {
    const { filter, id } = this.#watched;
    if (id !== undefined) return [await this.#baton.getTask(id, { includeDeleting: true, redacted: true })];
    const limit = Math.max(10, this.#terminal?.height ?? 0);
    const states = filter.states ?? PUBLIC_STATES;
    const read = async (wanted: readonly PublicState[], most: number): Promise<readonly Task[]> =>
      wanted.length === 0 || most < 1
        ? []
        : (await this.#baton.getTasks({ ...filter, states: wanted, limit: most, redacted: true })).tasks;
    const busy = await read(
      states.filter((state) => AT_WORK.includes(state)),
      limit,
    );
    const hidden = this.#scene.finished || filter.states !== undefined ? [] : DONE;
    const others = states.filter((state) => !AT_WORK.includes(state) && !hidden.includes(state));
    return [...busy, ...(await read(others, limit - busy.length))];
  }

  /** What became of those that were shown at the last look and aren't among `tasks` now. */
  async #readLeft(tasks: readonly Task[]): Promise<ReadonlyMap<number, Task | undefined>> {
    const ids = new Set(tasks.map(({ id }) => id));
    const left = this.#scene.rows.filter(({ task, leaving }) => !leaving && !ids.has(task.id));
    const found = left.map(async ({ task: { id } }) => [id, await findTask(this.#baton, id)] as const);
    return new Map(await Promise.all(found));
  }

  /** The selected task with its payload, if that can be read here, while its details are shown. */
  async #readShown(): Promise<Task | undefined> {
    const { details, selected } = this.#scene;
    if (!details || selected === undefined) return undefined;
    try {
      return await this.#baton.getTask(selected, { includeDeleting: true });
    } catch (error) {
      if (!isTaskbatonError(error, 'CODEC_FAILED', 'TASK_NOT_FOUND')) throw error;
      return findTask(this.#baton, selected);
    }
  }

  #draw(): void {
    const terminal = this.#terminal;
    if (terminal === undefined) return;
    const now = this.#time.theirs + systemClock.monotonic() - this.#time.ours;
    const { width, height } = terminal;
    const screen = new Screen(this.#session.host, now);
    terminal.draw(pictureOf(this.#scene, { width, height, label: this.#label, now, screen }));
  }

  #press(name: KeyName): void {
    const { question } = this.#scene;
    this.#scene.notice = undefined;
    if (question === undefined) this.#acts[name]?.();
    else if (name === 'ctrl-c') this.#ending.abort();
    else {
      this.#scene.question = undefined;
      if (name === 'y') this.#tell(question.yes());
    }
    this.#draw();
  }

  #act(done: string, change: (id: number) => Promise<void>): void {
    const { selected } = this.#scene;
    if (selected === undefined) return;
    this.#tell(change(selected).then(() => `task ${selected} was ${done}`));
  }

  #askToDelete(): void {
    const { selected } = this.#scene;
    if (selected === undefined) return;
    this.#scene.question = {
      text: `Delete task ${selected}?`,
      yes: async () => {
        await this.#baton.deleteTask(selected, this.#session.by('by key in watch'));
        return `task ${selected} was told to go`;
      },
    };
  }

  /** Tells what came of something, and looks at what has changed. */
  #tell(outcome: Promise<string>): void {
    const tell = (text: string, bad: boolean): void => {
      this.#scene.notice = { text, bad };
      this.#lookSoon();
      this.#draw();
    };
    outcome.then(
      (text) => tell(text, false),
      (error: unknown) => tell(error instanceof Error ? problemOf(error) : messageFrom(error), true),
    );
  }
}
