/* oxlint-disable typescript/only-throw-error, eslint/no-unsafe-finally, typescript/no-unsafe-call -- bad code is what is tested here */
/**
 * Handlers that misbehave. Each ends in a documented state, its slot is free again afterwards, and a well-behaved task
 * beside it notices nothing.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  defineTask,
  type ErrorCode,
  type Handler,
  type PublicState,
  typed,
  type Untyped,
} from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { openSystem, reaches, record, until, vanishes, work } from '../support/system.ts';

interface Misbehaviour {
  readonly does: string;
  readonly run: (given: Untyped) => unknown;
  readonly ends: PublicState;
  readonly code?: ErrorCode;
  readonly message?: RegExp;
}

const cycle: Record<string, unknown> = {};
cycle['self'] = cycle;

const never = new Promise<void>(() => undefined);

const CASES: readonly Misbehaviour[] = [
  {
    does: 'throws before it returns',
    run: () => {
      throw new Error('at once');
    },
    ends: 'failed',
    message: /at once/,
  },
  { does: 'rejects', run: async () => Promise.reject(new Error('later')), ends: 'failed', message: /later/ },
  {
    does: 'throws something that is no error',
    run: () => {
      throw 42;
    },
    ends: 'failed',
    message: /42/,
  },
  {
    does: 'throws an error that throws when it is read',
    run: () => {
      throw Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('gotcha');
        },
      });
    },
    ends: 'failed',
    message: /gotcha/,
  },
  {
    does: 'throws between two yields',
    async *run() {
      yield { progress: 0.5 };
      throw new Error('half way');
    },
    ends: 'failed',
    message: /half way/,
  },
  {
    does: 'yields a BigInt',
    async *run() {
      yield { context: { n: 1n } };
    },
    ends: 'failed',
    code: 'NOT_JSON',
  },
  {
    does: 'yields a cycle',
    async *run() {
      yield { context: cycle };
    },
    ends: 'failed',
    code: 'NOT_JSON',
  },
  {
    does: 'yields a Map',
    async *run() {
      yield { context: new Map() };
    },
    ends: 'failed',
    code: 'NOT_JSON',
  },
  {
    does: 'yields NaN',
    async *run() {
      yield { context: { n: Number.NaN } };
    },
    ends: 'failed',
    code: 'NOT_JSON',
  },
  {
    does: 'yields a getter that throws',
    async *run() {
      yield {
        context: {
          get n(): number {
            throw new Error('no');
          },
        },
      };
    },
    ends: 'failed',
    code: 'NOT_JSON',
  },
  {
    does: 'yields a number',
    async *run() {
      yield 7;
    },
    ends: 'failed',
    code: 'INVALID_REPORT',
  },
  {
    does: 'yields a progress that is no number',
    async *run() {
      yield { progress: Number.NaN };
    },
    ends: 'failed',
    code: 'INVALID_REPORT',
  },
  {
    does: 'yields what no report has',
    async *run() {
      yield { percent: 3 };
    },
    ends: 'failed',
    code: 'INVALID_REPORT',
  },
  {
    does: 'yields a promise from a plain generator',
    *run() {
      yield Promise.resolve({});
    },
    ends: 'failed',
    code: 'INVALID_REPORT',
  },
  {
    does: 'yields nothing',
    async *run() {
      yield;
      yield undefined;
    },
    ends: 'finished',
  },
  {
    does: 'reports 10 MB',
    async *run() {
      yield { context: 'x'.repeat(10 * 2 ** 20) };
    },
    ends: 'failed',
    code: 'PAYLOAD_TOO_LARGE',
  },
  {
    does: 'returns what can not be stored',
    run: async () => (await import('../../src/index.ts')).finished({ context: 1n }),
    ends: 'failed',
    code: 'NOT_JSON',
  },
  { does: 'returns something else than finished()', run: async () => 'done', ends: 'finished' },
  { does: 'is not even a generator or a promise', run: () => undefined, ends: 'finished' },
  {
    does: 'leaves a timer behind that reports',
    run: async ({ report }) => {
      setTimeout(() => void report({ progress: 0.1 }), 20).unref();
    },
    ends: 'finished',
  },
  {
    does: 'does not await a report that is refused',
    run: async ({ report }) => {
      void report({ context: 1n });
      await work(5);
    },
    ends: 'finished',
  },
  {
    does: 'throws in its finally block',
    async *run() {
      try {
        yield {};
      } finally {
        throw new Error('finally');
      }
    },
    ends: 'failed',
    message: /finally/,
  },
];

const good = defineTask({
  type: 'good',
  input: typed<{ steps: number }>(),
  context: typed<{ step: number }>(),
  async *run({ input, context }) {
    for (let step = context?.step ?? 0; step < input.steps; step++) {
      await work(2);
      yield { context: { step: step + 1 } };
    }
  },
});

eachBackend((backend) => {
  for (const { does, run, ends, code, message } of CASES) {
    it(`a handler that ${does} leaves its task ${ends}`, async (t) => {
      const system = await openSystem(backend, t);
      const bad = defineTask({ type: 'bad', run: run as Handler<Untyped, Untyped> });
      const baton = await system.replica({ tasks: [bad, good], concurrency: 2 });
      const neighbour = await baton.createTask(good, { steps: 5 });
      const id = await baton.createTask(bad, undefined);
      const task = await reaches(baton, id, ends);
      assert.equal(task.error?.code, code);
      if (message !== undefined) assert.match(task.error?.message ?? '', message);
      await reaches(baton, neighbour, 'finished');
      const after = await Promise.all([1, 2].map(() => baton.createTask(good, { steps: 1 })));
      for (const next of after) await reaches(baton, next, 'finished');
    });
  }

  for (const [asked, ends] of [
    ['pauseTask', 'paused'],
    ['deleteTask', 'gone'],
  ] as const) {
    it(`a handler that never ends and ignores ${asked} is abandoned after the grace, and its slot is freed`, async (t) => {
      const system = await openSystem(backend, t);
      const deaf = defineTask({ type: 'deaf', run: () => never });
      const baton = await system.replica({ tasks: [deaf, good], concurrency: 1, stopGrace: 100 });
      const events = record(baton);
      const id = await baton.createTask(deaf, undefined);
      await events.next('task.started');
      await baton[asked](id);
      if (ends === 'paused') await reaches(baton, id, 'paused');
      else await vanishes(baton, id);
      await events.next('task.abandoned');
      await reaches(baton, await baton.createTask(good, { steps: 1 }), 'finished');
    });
  }

  it('a handler that never ends does not keep a replica from stopping', async (t) => {
    const system = await openSystem(backend, t);
    const deaf = defineTask({ type: 'deaf', run: () => never });
    const baton = await system.replica({ tasks: [deaf], stopGrace: 100 });
    const events = record(baton);
    const id = await baton.createTask(deaf, undefined);
    await events.next('task.started');
    await baton.stop();
    const watcher = system.instance();
    const task = await watcher.getTask(id);
    assert.equal(task.state, 'running', 'handed over');
    assert.equal(task.replica, undefined);
  });

  it('what a handler reports after it was abandoned is refused', async (t) => {
    const system = await openSystem(backend, t);
    let late: unknown;
    const slow = defineTask({
      type: 'slow',
      async run({ signal, report }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await work(200);
        late = await report({ context: 'late' }).catch((error: unknown) => error);
      },
    });
    const baton = await system.replica({ tasks: [slow], stopGrace: 30 });
    const events = record(baton);
    const id = await baton.createTask(slow, undefined, { context: 'first' });
    await events.next('task.started');
    await baton.pauseTask(id);
    await reaches(baton, id, 'paused');
    await until('the late report was refused', () => late !== undefined);
    assert.equal((late as { code?: string }).code, 'HANDLER_ABANDONED');
    assert.equal((await baton.getTask(id)).context, 'first');
  });

  it('a generator that yields without ever waiting still hears that it should stop', async (t) => {
    const system = await openSystem(backend, t);
    const busy = defineTask({
      type: 'busy',
      async *run() {
        for (;;) yield;
      },
    });
    const baton = await system.replica({ tasks: [busy] });
    const events = record(baton);
    const id = await baton.createTask(busy, undefined);
    await events.next('task.started');
    await baton.pauseTask(id);
    await reaches(baton, id, 'paused');
  });

  it('a handler may catch the refusal of a report and report something smaller', async (t) => {
    const system = await openSystem(backend, t);
    const careful = defineTask({
      type: 'careful',
      async *run() {
        try {
          yield { context: 'x'.repeat(2 ** 21) };
        } catch {
          yield { context: 'small' };
        }
      },
    });
    const baton = await system.replica({ tasks: [careful] });
    const task = await reaches(baton, await baton.createTask(careful, undefined), 'finished');
    assert.equal(task.context, 'small');
  });

  it('a logger, a listener and a schema that throw cost nobody anything but their own task', async (t) => {
    const system = await openSystem(backend, t);
    const fail = (): never => {
      throw new Error('user code');
    };
    let broken = false;
    const picky = defineTask({
      type: 'picky',
      input: {
        '~standard': { version: 1, vendor: 'test', validate: (value) => (broken ? fail() : { value }) },
      },
      async *run() {
        yield;
      },
    });
    const baton = await system.replica({
      tasks: [picky, good],
      logger: { debug: fail, info: fail, warn: fail, error: fail },
    });
    baton.on('*', fail);
    const watcher = system.instance();
    const id = await watcher.createTask(picky, {}, { autoRun: false });
    broken = true;
    await watcher.runTask(id);
    assert.match((await reaches(watcher, id, 'failed')).error?.message ?? '', /user code/);
    await reaches(watcher, await watcher.createTask(good, { steps: 3 }), 'finished');
  });
});
