/**
 * A replica stands still, or its host vanishes, while it decides who is next: it has the lock that all others need for that. The
 * server takes it away soon, whatever else a statement may take.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineTask } from '../../src/index.ts';
import { backends } from '../backends.ts';
import { openSystem, reaches, until } from '../support/system.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

const step = defineTask({ type: 'step', run: () => undefined });
/** A tenth of what a statement may take. */
const SOON = 5000;

describe('a replica that stands still while it decides who is next', () => {
  for (const backend of backends) {
    // Whoever stands still in the midst of a transaction of SQLite has the whole file.
    if (backend.name === 'sqlite') continue;

    it(`${backend.name}: holds nobody up for long`, async (t) => {
      const system = await openSystem(backend, t);
      const { url } = system.backend;
      const proxy = await TcpProxy.to(url);
      const options = { tasks: [step], limits: { type: 5 }, heartbeat: 'loop' } as const;
      await system.replica({ ...options, db: proxy.through(url) });
      let stalled = false;
      proxy.judge = (text) => {
        if (stalled || !text.includes('swept_at')) return undefined;
        stalled = true;
        // The statement arrives, and its answer is on the way for ever.
        proxy.stall();
        return undefined;
      };
      t.after(() => proxy.takeAway());
      const id = await system.instance().createTask(step, undefined);
      await until('it has the lock', () => stalled);
      const began = performance.now();
      const other = await system.replica(options);
      await reaches(other, id, 'finished');
      const took = performance.now() - began;
      t.diagnostic(`held up for ${Math.round(took)} ms`);
      proxy.resume();
      assert.ok(took < SOON, `held up for ${took} ms`);
    });
  }
});
