/** One claim from start to end, with handlers that throw what cannot even be looked at. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineTask } from '../../src/core/definition.ts';
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
  transactions: 0,
  options: null,
  errors: null,
  input: null,
  context: null,
};

/** Runs `run` as the handler of a claim, to the end. */
async function execute(
  run: (signal: AbortSignal) => void | Promise<void>,
  stop?: 'pause',
): Promise<{ readonly settlements: readonly Settlement[] }> {
  const clock = new ManualClock();
  const settlements: Settlement[] = [];
  const store = {
    payloads: new Payloads({ unique: () => '' }),
  };
  const writes = {
    checkpoint: async () => undefined,
    settle: async (_fence: Fence, settlement: Settlement) => void settlements.push(settlement),
  };
  const execution = new Execution({
    claim: CLAIM,
    queue: 'run',
    definition: defineTask({ type: 't', run: ({ signal }) => run(signal) }),
    replica: 'replica',
    store: store as unknown as Store,
    writes,
    clock,
    turn: clock.turn(),
    observer: new Observer(null),
    maxPayload: 1000,
    createChildren: () => Promise.reject(new Error('no children here')),
    enter: (code) => code(),
    stopGrace: 1000,
    stint: new Tracing().begin({ ...CLAIM, replica: 'replica', queue: 'run' }, null),
    retry: NO_RETRY,
    limits: NO_TIME_LIMITS,
  });
  await clock.settle();
  if (stop !== undefined) execution.stop(stop);
  await execution.ended;
  return { settlements };
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
