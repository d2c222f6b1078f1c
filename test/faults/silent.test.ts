/**
 * The connections there are go silent, as when a firewall forgets them: what was sent on one is neither answered nor refused, while
 * new connections work. Whoever is told to go then must not wait for as long as a statement may take.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineTask } from '../../src/index.ts';
import { backends } from '../backends.ts';
import { openSystem, until } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const STOP_GRACE = 500;
const LEASE = 3000;
/** What `stop` promises, and half a second more. */
const SOON = STOP_GRACE + LEASE / 2 + 2500;

describe('a replica whose connections have gone silent', () => {
  for (const backend of backends) {
    // A file has no connections that could.
    if (backend.name === 'sqlite') continue;

    it(`${backend.name}: stops in time all the same`, async (t) => {
      const system = await openSystem(backend, t);
      const { url } = system.backend;
      const proxy = await TcpProxy.to(url);
      t.after(() => proxy.takeAway());
      let steps = 0;
      const counting = defineTask({
        type: 'counting',
        run: async (task) => {
          for (;;) await task.report({ context: { step: ++steps } });
        },
      });
      const options = { tasks: [counting], stopGrace: STOP_GRACE, lease: LEASE };
      const replica = await system.replica({ ...options, db: proxy.through(url) });
      await replica.createTask(counting, undefined);
      await until('it reports', () => steps > 10);
      proxy.abandon();
      const told = performance.now();
      await replica.stop();
      const took = performance.now() - told;
      t.diagnostic(`stopped after ${Math.round(took)} ms`);
      assert.ok(took < SOON, `stopped after ${took} ms`);
    });
  }
});
