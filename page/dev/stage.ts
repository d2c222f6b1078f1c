/**
 * A real system for showing the page: three replicas on SQLite whose time goes by quickly at first, so that there is an
 * hour to look back on, and then as time does. Replicas are replaced and killed meanwhile, and their tasks go on elsewhere.
 */
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { defineTask, type TaskDefinition, type Taskbaton, typed } from '../../src/index.ts';
import { Schedules } from '../../src/cron/index.ts';
import { TestSystem } from '../../src/testing/index.ts';
import { Chance } from './chance.ts';

interface Work {
  readonly type: string;
  /** Seconds that it takes. */
  readonly seconds: number;
  readonly steps: number;
  /** The share of those that fail somewhere on the way. */
  readonly failing: number;
  readonly tell: (step: number, steps: number) => string;
}

const WORKS: readonly Work[] = [
  {
    type: 'import-csv',
    seconds: 200,
    steps: 12,
    failing: 0,
    tell: (step, steps) =>
      `Row ${(step * 10_000).toLocaleString('en')} of ${(steps * 10_000).toLocaleString('en')}`,
  },
  {
    type: 'transcode-video',
    seconds: 420,
    steps: 20,
    failing: 0.25,
    tell: (step) => `Frame ${(step * 1_440).toLocaleString('en')}`,
  },
  {
    type: 'train-model',
    seconds: 900,
    steps: 30,
    failing: 0,
    tell: (step) => `Loss ${(2 / (step + 1)).toFixed(3)}`,
  },
  { type: 'send-invoices', seconds: 90, steps: 6, failing: 0.05, tell: (step) => `${step * 50} sent` },
  {
    type: 'rebuild-index',
    seconds: 300,
    steps: 16,
    failing: 0,
    tell: (step, steps) => `Shard ${step} of ${steps}`,
  },
];
const USERS = ['ada', 'ada', 'grace', 'linus', 'mei'];
const GROUPS = ['imports', 'imports', 'media', 'nightly', 'reports'];
const HOSTS = ['web-1', 'web-2', 'worker-1'];

/** Seconds. */
const STEP = 10;
const PAST = 75 * 60;
const BETWEEN_TASKS = 22;
const REPLACEMENTS: ReadonlyMap<number, 'stop' | 'crash'> = new Map([
  [25 * 60, 'stop'],
  [41 * 60, 'crash'],
  [58 * 60, 'stop'],
  [70 * 60, 'stop'],
]);
/** Milliseconds: how often time goes on once it goes as time does. */
const BEAT = 200;

export class Stage {
  readonly #system: TestSystem;
  readonly #chance = new Chance(11);
  readonly #replicas: Taskbaton[] = [];
  readonly #options: Parameters<typeof TestSystem.open>[0];
  /** An instance that runs nothing: the one to show. */
  readonly baton: Taskbaton;
  #nextTask = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  private constructor(system: TestSystem, options: Parameters<typeof TestSystem.open>[0]) {
    this.#system = system;
    this.#options = options;
    this.baton = system.instance();
  }

  /** With an hour and a quarter behind it. */
  static async open(): Promise<Stage> {
    const wait = (seconds: number): Promise<void> => system.wait(seconds * 1000);
    const tasks = WORKS.map((work) => taskOf(work, wait));
    const options = {
      tasks,
      history: { level: 'all' as const, contexts: true },
      redact: <Shown>(shown: Shown): Shown => shown,
      concurrency: 6,
    };
    const system = await TestSystem.open(options);
    const stage = new Stage(system, options);
    await stage.#live(tasks);
    return stage;
  }

  /** Time goes on as it does, until the stage is closed. */
  goOn(): void {
    const beat = async (): Promise<void> => {
      const began = performance.now();
      await this.#system.advance(BEAT);
      this.#timer = setTimeout(() => void beat(), Math.max(0, BEAT - (performance.now() - began)));
    };
    void beat();
  }

  /** One more replica is replaced. */
  async replace(how: 'stop' | 'crash'): Promise<void> {
    const index = this.#chance.below(0.5) ? 0 : 1;
    const leaving = this.#replicas[index];
    if (leaving === undefined) return;
    if (how === 'crash') this.#system.crash(leaving);
    else await this.#system.through(leaving.stop());
    await this.#start(index);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#system.close();
  }

  async #live(tasks: readonly TaskDefinition[]): Promise<void> {
    for (const index of HOSTS.keys()) await this.#start(index);
    await this.#system.through(this.baton.setLimit('group', 'imports', 6, { actor: 'ada' }));
    await this.#schedule(tasks);
    for (let now = 0; now < PAST; now += STEP) {
      while (this.#nextTask <= now) await this.#create(tasks);
      const how = REPLACEMENTS.get(now);
      if (how !== undefined) await this.replace(how);
      if (now === 64 * 60) {
        await this.#system.through(
          this.baton.pauseGroup('nightly', { actor: 'grace', reason: 'the disk is full' }),
        );
      }
      await this.#system.advance(STEP * 1000);
    }
  }

  async #schedule([importCsv, transcode, , , rebuild]: readonly TaskDefinition[]): Promise<void> {
    if (importCsv === undefined || transcode === undefined || rebuild === undefined) return;
    const schedules = new Schedules(this.baton);
    const input = { file: 'all', chance: 0.5 };
    const nightly = { cron: '0 3 * * *', zone: 'Europe/Berlin', input, group: 'nightly' };
    await this.#system.through(schedules.set('nightly-index', { ...nightly, task: rebuild }));
    await this.#system.through(
      schedules.set('monthly-archive', { cron: '0 8 1 * *', input, task: importCsv, group: 'reports' }),
    );
    await this.#system.through(
      schedules.set('previews', { every: '15m', input, task: transcode, user: 'mei' }),
    );
    await this.#system.through(schedules.pause('monthly-archive'));
  }

  async #create(tasks: readonly TaskDefinition[]): Promise<void> {
    const task = this.#chance.of(tasks);
    const user = this.#chance.of(USERS);
    const input = {
      file: `${task.type}-${Math.floor(this.#chance.next() * 9000) + 1000}`,
      chance: this.#chance.next(),
    };
    await this.#system.through(
      this.baton.createTask(task, input, { user, group: this.#chance.of(GROUPS), actor: user }),
    );
    this.#nextTask += BETWEEN_TASKS * 2 * this.#chance.next();
  }

  /** Replicas are known to people by the names of their hosts; here, all have the same one. */
  async #start(index: number): Promise<void> {
    const { hostname } = os;
    os.hostname = () => HOSTS[index] ?? 'web';
    syncBuiltinESMExports();
    try {
      this.#replicas[index] = await this.#system.replica(this.#options);
    } finally {
      os.hostname = hostname;
      syncBuiltinESMExports();
    }
  }
}

function taskOf(
  { type, seconds, steps, failing, tell }: Work,
  wait: (seconds: number) => Promise<void>,
): TaskDefinition {
  return defineTask({
    type,
    input: typed<{ file: string; chance: number }>(),
    onCrash: 'resume',
    context: typed<{ step: number; checksum: string; rejected: readonly string[] }>(),
    async *run({ input, context, log }) {
      const failsAt =
        input.chance < failing ? Math.ceil(steps * (0.3 + input.chance)) : Number.POSITIVE_INFINITY;
      for (let step = (context?.step ?? 0) + 1; step <= steps; step += 1) {
        await wait((seconds / steps) * (0.6 + input.chance * 0.8));
        if (step === failsAt)
          throw new Error(`${input.file}: invalid data found at ${tell(step, steps).toLowerCase()}`);
        if (step % 4 === 1) log.info(`${tell(step, steps)} is done`, { step });
        const rejected = Array.from(
          { length: Math.floor(step / 7) },
          (_, row) => `row ${(row + 1) * 4_211}: no date`,
        );
        const checksum = (step * 2_654_435_761 + Math.floor(input.chance * 1e9)).toString(36);
        yield { context: { step, checksum, rejected }, progress: step / steps, message: tell(step, steps) };
      }
    },
  });
}
