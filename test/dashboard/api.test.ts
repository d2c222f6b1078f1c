/** The API on every database: what is asked for happens, and what is shown is what is there. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as z from 'zod';
import { Schedules } from '../../src/cron/index.ts';
import { declareTask, defineTask } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { reaches, until } from '../support/system.ts';
import { ADMIN, openDesk, waiting } from './desk.ts';

eachBackend((backend) => {
  it('a task is created, shown, paused, moved, run and deleted', async (t) => {
    const desk = await openDesk(backend, t);
    await desk.baton.start();
    const { status, body: created } = await desk.post('api/tasks', {
      type: 'waiting',
      input: { file: 'a.csv' },
      user: 'ada',
      group: 'day',
      priority: 3,
      key: 'a.csv',
      reason: 'to see it',
    });
    assert.equal(status, 201);
    const { id } = created;
    await reaches(desk.baton, id, 'running');
    await until('it has reported', async () => (await desk.get(`api/tasks/${id}`)).body.progress === 0.5);
    const { body: shown } = await desk.get(`api/tasks/${id}`);
    assert.deepEqual(
      [
        shown.type,
        shown.user,
        shown.group,
        shown.priority,
        shown.key,
        shown.input,
        shown.context,
        shown.actions,
      ],
      ['waiting', 'ada', 'day', 3, 'a.csv', { file: 'a.csv' }, { step: 1 }, ['pause', 'move', 'delete']],
    );
    assert.equal((await desk.post(`api/tasks/${id}/pause`)).status, 200);
    await reaches(desk.baton, id, 'paused');
    assert.equal((await desk.post(`api/tasks/${id}/move`, { group: 'night' })).body.group, 'night');
    assert.match((await desk.post(`api/tasks/${id}/run`)).body.state, /pending|running/);
    assert.equal((await desk.post(`api/tasks/${id}/delete`, { reason: 'done with it' })).status, 202);
    await until('it is gone', async () => (await desk.get(`api/tasks/${id}`)).status === 404);
  });

  it('what was asked is in the history, with who asked and why', async (t) => {
    const desk = await openDesk(backend, t);
    const { body: created } = await desk.post('api/tasks', { type: 'waiting', reason: 'first' });
    await desk.post(`api/tasks/${created.id}/pause`, { reason: 'second' });
    await desk.post(`api/tasks/${created.id}/move`, { group: 'night', reason: 'third' });
    const { body: page } = await desk.get(`api/tasks/${created.id}/history?limit=2`);
    const { body: rest } = await desk.get(
      `api/tasks/${created.id}/history?after=${encodeURIComponent(String(page.next))}`,
    );
    assert.deepEqual(
      [...page.entries, ...rest.entries].map(({ event, actor, reason }) => [event, actor, reason]),
      [
        ['create', 'root', 'first'],
        ['pause', 'root', 'second'],
        ['move', 'root', 'third'],
      ],
    );
    assert.equal(rest.next, null);
    assert.equal((await desk.get('api/tasks/999999/history')).status, 404);
  });

  it('lists are filtered, searched and read page by page', async (t) => {
    const desk = await openDesk(backend, t);
    const other = declareTask({ type: 'other' });
    const ids: number[] = [];
    for (let index = 0; index < 5; index++)
      ids.push(
        await desk.baton.createTask(waiting, undefined, { user: 'ada', group: index < 2 ? 'day' : 'night' }),
      );
    ids.push(await desk.baton.createTask(other, undefined, { user: 'bob', autoRun: false, key: 'only-one' }));
    const listed = async (query: string): Promise<readonly number[]> =>
      (await desk.get(`api/tasks?${query}`)).body.tasks.map(({ id }) => ids.indexOf(id));
    assert.deepEqual(await listed(''), [5, 4, 3, 2, 1, 0]);
    assert.deepEqual(await listed('user=ada&group=day'), [1, 0]);
    assert.deepEqual(await listed('type=other&type=waiting&state=init'), [5]);
    assert.deepEqual(await listed('search=ni'), [4, 3, 2]);
    assert.deepEqual(await listed('search=only'), [5]);
    assert.deepEqual(await listed(`search=${ids[3]}`), [3]);
    const first = (await desk.get('api/tasks?limit=4')).body;
    assert.deepEqual(await listed(`limit=4&after=${first.next}`), [1, 0]);
    assert.equal((await desk.get(`api/tasks?limit=4&after=${first.next}`)).body.next, null);
  });

  it('many are changed at once: those that are named, those that match, or all', async (t) => {
    const desk = await openDesk(backend, t);
    const ids: number[] = [];
    for (let index = 0; index < 6; index++)
      ids.push(await desk.baton.createTask(waiting, undefined, { user: index < 3 ? 'ada' : 'bob' }));
    const changed = async (body: object): Promise<unknown> =>
      (await desk.post('api/tasks/bulk', body)).body.changed;
    assert.equal(await changed({ change: 'pause', ids: ids.slice(0, 2) }), 2);
    assert.equal(await changed({ change: 'move', filter: { user: 'bob' }, group: 'night' }), 3);
    assert.equal(await changed({ change: 'run', filter: { states: ['paused'] } }), 2);
    await desk.baton.createTask(waiting, undefined, { parent: ids[0] ?? 0 });
    assert.equal(await changed({ change: 'pause', filter: { parent: ids[0] } }), 1);
    assert.equal(await changed({ change: 'delete', all: true }), 7);
    for (const body of [
      { change: 'pause' },
      { change: 'pause', all: true, ids },
      { change: 'pause', filter: {} },
      { change: 'pause', all: true, group: 'x' },
      { change: 'move', all: true },
      { change: 'stop', all: true },
      { change: 'pause', ids: [] },
      { change: 'pause', ids: [0] },
    ])
      assert.equal((await desk.post('api/tasks/bulk', body)).status, 400, JSON.stringify(body));
  });

  it('queues are shown, limited, paused and resumed', async (t) => {
    const desk = await openDesk(backend, t);
    await desk.baton.createTask(waiting, undefined, { user: 'ada', group: 'day' });
    assert.equal((await desk.put('api/limits', { kind: 'group', name: 'day', limit: 2 })).status, 202);
    assert.equal(
      (await desk.put('api/limits', { kind: 'user/group', name: ['ada', 'day'], limit: 1 })).status,
      202,
    );
    assert.equal((await desk.put('api/limits', { kind: 'group', name: ['a', 'b'], limit: 1 })).status, 400);
    assert.equal((await desk.post('api/queues/pause', { kind: 'group', name: 'day' })).status, 202);
    const { body } = await desk.get('api/queues');
    const day = body.groups.find(({ name }) => name === 'day');
    assert.deepEqual([day?.limit, day?.paused, day?.states], [2, true, { pending: 1 }]);
    assert.deepEqual(body.matrix, [{ user: 'ada', group: 'day', running: 0, waiting: 1, limit: 1 }]);
    const { problems } = (await desk.get('api/overview')).body;
    assert.deepEqual(
      problems.map(({ kind, subject }) => [kind, subject]),
      [
        ['no-replica-for-type', 'waiting'],
        ['paused-scope-with-waiting', 'group:day'],
      ],
    );
    assert.equal((await desk.post('api/queues/resume', { kind: 'group', name: 'day' })).status, 202);
    assert.equal((await desk.baton.groups()).find(({ name }) => name === 'day')?.paused, false);
  });

  it('schedules are listed and steered', async (t) => {
    const desk = await openDesk(backend, t);
    const schedules = new Schedules(desk.baton);
    await schedules.set('nightly / 1', { task: waiting, cron: '0 3 * * *', user: 'ada', group: 'night' });
    const path = `api/schedules/${encodeURIComponent('nightly / 1')}`;
    const [shown] = (await desk.get('api/schedules')).body.schedules;
    assert.deepEqual(
      [shown?.name, shown?.rule, shown?.zone, shown?.user, shown?.group, shown?.paused],
      ['nightly / 1', '0 3 * * *', 'UTC', 'ada', 'night', false],
    );
    assert.equal((await desk.post(`${path}/pause`)).status, 202);
    assert.equal((await schedules.get('nightly / 1')).paused, true);
    assert.equal((await desk.post(`${path}/resume`)).status, 202);
    const { body } = await desk.post(`${path}/trigger`, { reason: 'now' });
    assert.equal((await desk.baton.getTask(body.id)).user, 'ada');
    assert.equal((await desk.post(`${path}/delete`)).status, 202);
    assert.equal((await desk.post(`${path}/pause`)).status, 404);
  });

  it('replicas and an overview show what runs where', async (t) => {
    const desk = await openDesk(backend, t, { concurrency: 3 });
    await desk.baton.start();
    const id = await desk.baton.createTask(waiting, undefined, { user: 'ada' });
    await reaches(desk.baton, id, 'running');
    const [replica] = (await desk.get('api/replicas')).body.replicas;
    assert.deepEqual(
      [replica?.id, replica?.types, replica?.concurrency, replica?.running],
      [desk.baton.replicaId, ['waiting'], 3, [{ id, type: 'waiting', epoch: 1 }]],
    );
    const { body: overview } = await desk.get('api/overview');
    assert.deepEqual([overview.states, overview.slots], [{ running: 1 }, { total: 3, used: 1 }]);
    assert.equal(overview.throughput.length, 60);
    assert.equal(
      overview.throughput.reduce((sum, { created }) => sum + created, 0),
      1,
    );
  });

  it('what goes wrong is said with its code, and with what to do', async (t) => {
    const desk = await openDesk(backend, t);
    const done = defineTask({ type: 'done', run: async () => undefined });
    const baton = await desk.system.replica({ tasks: [done] });
    const id = await baton.createTask(done, undefined);
    await baton.taskDone(id);
    const { status, body } = await desk.post(`api/tasks/${id}/run`);
    assert.deepEqual([status, body.error.code], [409, 'STATE_CONFLICT']);
    assert.match(body.error.remedy ?? '', /create a new one/);
    const unknown = await desk.post('api/tasks', { type: 'nobody' });
    assert.deepEqual([unknown.status, unknown.body.error.code], [400, 'UNKNOWN_TYPE']);
  });

  it('a task that cannot be created is refused with the name of the field that is wrong', async (t) => {
    const printing = declareTask({ type: 'print', input: z.object({ copies: z.number() }) });
    const desk = await openDesk(backend, t, { maxPayload: 1024 }, { tasks: [printing] });
    const wrong: readonly (readonly [string, object])[] = [
      ['type', { type: 'nobody' }],
      ['input', { input: { copies: 'many' } }],
      ['input', { type: 'waiting', input: 'x'.repeat(2000) }],
      ['user', { input: { copies: 1 }, user: 'ü'.repeat(200) }],
      ['autoRun', { input: { copies: 1 }, autoRun: false, delay: 5 }],
    ];
    for (const [field, body] of wrong) {
      const { status, body: answer } = await desk.post('api/tasks', { type: 'print', ...body });
      assert.ok(status >= 400 && status < 500, answer.error.message);
      assert.equal(answer.error.field, field, answer.error.message);
    }
    assert.equal((await desk.baton.getTasks()).tasks.length, 0);
  });

  it('a type that is only declared can be created where the dashboard knows it', async (t) => {
    const desk = await openDesk(backend, t, {}, { tasks: [declareTask({ type: 'declared' })] });
    assert.deepEqual((await desk.get('api/session')).body.types, ['declared', 'waiting']);
    const { status, body } = await desk.post('api/tasks', { type: 'declared' });
    assert.equal(status, 201);
    assert.equal((await desk.baton.getTask(body.id)).type, 'declared');
  });

  it('the session says who asks and what the system is', async (t) => {
    const desk = await openDesk(backend, t);
    const { body } = await desk.get('api/session');
    assert.deepEqual([body.user, body.scope, body.can], [ADMIN.user, null, ADMIN.can]);
    assert.deepEqual([body.system.database, body.system.history], [backend.name, true]);
  });
});
