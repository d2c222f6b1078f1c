/** Hostile texts through the API: what goes in as data comes back as the same data, and what can't be stored is refused. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { eachBackend } from '../backends.ts';
import { HOSTILE_TEXTS, isPlainName, texts, values } from '../support/hostile.ts';
import { openDesk, waiting } from './desk.ts';

const SAMPLES: readonly string[] = [...HOSTILE_TEXTS, ...fc.sample(texts, { numRuns: 200, seed: 7 })];

eachBackend((backend) => {
  it('200 hostile texts come back as they are, as inputs and as names', async (t) => {
    const desk = await openDesk(backend, t);
    for (const text of SAMPLES) {
      const made = await desk.post('api/tasks', { type: 'waiting', input: { [text]: text }, autoRun: false });
      assert.equal(made.status, 201);
      const shown = await desk.get(`api/tasks/${made.body.id}`);
      assert.deepEqual(shown.body.input, { [text]: text });
      assert.equal(shown.headers.get('content-type'), 'application/json');
      const named = await desk.post('api/tasks', {
        type: 'waiting',
        user: text,
        group: text,
        autoRun: false,
        reason: 'x',
      });
      assert.equal(named.status, isPlainName(text) ? 201 : 400, JSON.stringify(text));
      if (!isPlainName(text) || text === '') continue;
      const query = new URLSearchParams({ user: text, group: text, search: text });
      const { body } = await desk.get(`api/tasks?${query.toString()}`);
      assert.deepEqual(
        body.tasks.map(({ id, user, group }) => [id, user, group]),
        [[named.body.id, text, text]],
        JSON.stringify(text),
      );
      await desk.post(`api/tasks/${named.body.id}/delete`);
    }
    const { status } = await desk.get('metrics');
    assert.equal(status, 200);
  });

  it('any JSON comes back as it is', async (t) => {
    const desk = await openDesk(backend, t);
    for (const value of fc.sample(values, { numRuns: 60, seed: 11 })) {
      const { body } = await desk.post('api/tasks', { type: 'waiting', input: value, autoRun: false });
      const shown = await desk.get(`api/tasks/${body.id}`);
      assert.deepEqual(shown.body.input, JSON.parse(JSON.stringify(value)));
    }
  });

  it('what a redaction withholds is in no answer', async (t) => {
    const desk = await openDesk(backend, t, { redact: undefined });
    const id = await desk.baton.createTask(waiting, { file: 'secret.csv' }, { user: 'ada' });
    await desk.baton.start();
    for (const path of [
      `api/tasks/${id}`,
      'api/tasks',
      `api/tasks/${id}/history`,
      'api/overview',
      'api/queues',
    ])
      assert.doesNotMatch((await desk.get(path)).text, /secret/, path);
  });
});
