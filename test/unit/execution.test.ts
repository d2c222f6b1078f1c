/** One claim from start to end, with handlers that throw what cannot even be looked at. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineTask } from '../../src/core/definition.ts';
import { TaskbatonError } from '../../src/core/errors.ts';
import type { HandlerArguments } from '../../src/core/handler.ts';
import type { StoredError } from '../../src/core/task.ts';
import { NO_RETRY, NO_TIME_LIMITS } from '../../src/core/retry.ts';
import type { Claim } from '../../src/store/record.ts';
import { Execution } from '../../src/runtime/execution.ts';
import { Observer } from '../../src/runtime/observer.ts';
import { Tracing } from '../../src/runtime/tracing.ts';
import type { Fence, Settlement } from '../../src/store/settlement.ts';
import { Payloads } from '../../src/store/payload.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../support/clock.ts';

const GRACE = 1000;
const CUT_OFF = new TaskbatonError('DATABASE_UNAVAILABLE', { problem: 'cut off' });

const CLAIM: Claim = {
  id: 1,
  type: 't',
  version: 1,
  user: '',
  group: '',
  parent: undefined,
  hasChildren: false,
  epoch: 1,
  attempt: 1,
  retries: 0,
  worked: { attempt: 0, total: 0 },
  reports: 0,
  options: null,
  errors: null,
  input: null,
  context: null,
};

const HOSTILE: readonly (readonly [string, () => unknown])[] = [
  ['a revoked proxy', revoked],
  [
    'a proxy that refuses everything',
    () => new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse }),
  ],
  ['an error whose name, cause and message throw', unreadable],
  ['nothing', () => undefined],
];

describe('a handler that throws', () => {
  for (const [what, make] of HOSTILE) {
    it(`${what} fails its task and harms nobody else`, async () => {
      const { settlements } = await execute(() => {
        throw make();
      });
      assert.deepEqual(
        settlements.map(({ event }) => event),
        ['fail'],
      );
      const { message } = JSON.parse(settlements[0]?.error ?? '{}') as StoredError;
      assert.notEqual(message, '');
    });

    it(`${what} after its stop signal ends its claim all the same`, async () => {
      const { settlements } = await execute(async (signal) => {
        await new Promise<void>((resolve) =>
          signal.addEventListener('abort', () => resolve(), { once: true }),
        );
        throw make();
      }, 'pause');
      assert.equal(settlements.length, 1);
    });
  }
});

describe('an end that the database does not answer', () => {
  const lost = new TaskbatonError('LEASE_LOST', { id: 1, epoch: 1 });
  for (const [what, refusals, told] of [
    ['was stored, if the claim is over when it is asked again', [CUT_OFF, lost], 'task.ended'],
    ['is lost with a claim that was over before', [lost], 'task.lost'],
  ] as const) {
    it(what, async () => {
      const observer = new Observer(null);
      const names: string[] = [];
      observer.on('*', ({ name }) => names.push(name));
      const { ended, clock } = await begin(() => undefined, { observer, refusals });
      await clock.advance(GRACE);
      await ended;
      assert.equal(names.at(-1), told);
    });
  }
});

describe('a claim whose handler has not begun', () => {
  const begunBefore = { ...CLAIM, worked: { attempt: 5, total: 5 } };
  for (const [what, claim, act, event] of [
    ['is undone when it is given back', CLAIM, (one: Execution) => one.release(), 'unclaim'],
    ['is undone when it is to stop', CLAIM, (one: Execution) => one.stop('pause'), 'unclaim'],
    [
      'is handed over where an earlier one has begun',
      begunBefore,
      (one: Execution) => one.release(),
      'yield',
    ],
  ] as const) {
    it(`${what}, and nobody hears that it had been running`, async () => {
      const observer = new Observer(null);
      const names: string[] = [];
      observer.on('*', ({ name }) => names.push(name));
      const { execution, ended, clock, settlements } = prepare(() => assert.fail('it began'), {
        observer,
        claim,
      });
      act(execution);
      await ended;
      assert.deepEqual(
        settlements.map((settlement) => settlement.event),
        [event],
      );
      assert.deepEqual(names, ['task.released']);
      assert.equal(clock.waiting, 0);
    });
  }

  it('writes nothing once it is lost', async () => {
    const { execution, ended, settlements } = prepare(() => assert.fail('it began'));
    execution.lose();
    await ended;
    assert.deepEqual(settlements, []);
  });
});

describe('an abandoned handler', () => {
  // Simulation, seed 23336: a replica that had stopped still sent a statement.
  it('in a transaction that the database does not answer leaves nothing waiting once its claim has ended', async () => {
    const { execution, ended, clock, settlements } = await begin(
      ({ transaction }) => transaction(async () => undefined),
      {
        answers: { transact: () => Promise.reject(CUT_OFF), isCommitted: () => Promise.reject(CUT_OFF) },
      },
    );
    execution.stop('lease-lost');
    await clock.advance(GRACE);
    await ended;
    await clock.settle();
    assert.equal(settlements.length, 1);
    assert.equal(clock.waiting, 0);
  });

  // Simulation, seed 1966.
  it('begins no transaction when it hears at last that the one before was not committed', async () => {
    const answer = Promise.withResolvers<boolean>();
    let begun = 0;
    const { execution, ended, clock } = await begin(({ transaction }) => transaction(async () => undefined), {
      answers: {
        transact: () => Promise.reject(((begun += 1), CUT_OFF)),
        isCommitted: () => answer.promise,
      },
    });
    await clock.advance(GRACE);
    execution.stop('lease-lost');
    await clock.advance(GRACE);
    await ended;
    answer.resolve(false);
    await clock.settle();
    assert.equal(begun, 1);
  });
});

/** Runs `run` as the handler of a claim, to the end. */
async function execute(
  run: (signal: AbortSignal) => void | Promise<void>,
  stop?: 'pause',
): Promise<{ readonly settlements: readonly Settlement[] }> {
  const { execution, ended, settlements } = await begin(({ signal }) => run(signal));
  if (stop !== undefined) execution.stop(stop);
  await ended;
  return { settlements };
}

interface Setting {
  /** What the store answers to whatever else it is asked. */
  readonly answers?: Partial<Store>;
  readonly observer?: Observer;
  /** Of ends, before one is stored. */
  readonly refusals?: readonly TaskbatonError[];
  readonly claim?: Claim;
}

interface Prepared {
  readonly execution: Execution;
  readonly ended: Promise<void>;
  readonly clock: ManualClock;
  readonly settlements: readonly Settlement[];
}

type Run = (given: HandlerArguments<unknown, unknown>) => void | Promise<void>;

/** Lets `run` begin as the handler of a claim. */
async function begin(run: Run, setting: Setting = {}): Promise<Prepared> {
  const prepared = prepare(run, setting);
  prepared.execution.begin();
  await prepared.clock.settle();
  return prepared;
}

function prepare(
  run: Run,
  { answers, observer = new Observer(null), refusals = [], claim = CLAIM }: Setting = {},
): Prepared {
  const clock = new ManualClock();
  const settlements: Settlement[] = [];
  const ended = Promise.withResolvers<void>();
  const store = { payloads: new Payloads({ unique: () => '' }), ...answers };
  const left = [...refusals];
  const writes = {
    checkpoint: async () => undefined,
    settle: async (_fence: Fence, settlement: Settlement) => {
      const refusal = left.shift();
      if (refusal !== undefined) throw refusal;
      settlements.push(settlement);
    },
  };
  const execution = new Execution({
    host: {
      store: store as unknown as Store,
      writes,
      clock,
      observer,
      settings: { maxPayload: 1000, stopGrace: GRACE },
      tracing: new Tracing(),
      watch: { begin: () => undefined, enter: (_suspect, code) => code(), end: () => undefined },
      createChildren: () => Promise.reject(new Error('no children here')),
      handled: () => undefined,
      ended: () => ended.resolve(),
    },
    claim,
    queue: 'run',
    definition: defineTask({ type: 't', run }),
    policy: { retry: NO_RETRY, limits: NO_TIME_LIMITS },
    replica: 'replica',
  });
  return { execution, ended: ended.promise, clock, settlements };
}

function refuse(): never {
  throw new Error('refused');
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function unreadable(): unknown {
  return Object.defineProperties(new Error('x'), {
    name: { get: refuse },
    cause: { get: refuse },
    message: { get: refuse },
  });
}
