/** Who sees one user's tasks only: those of others are as if they weren't there, wherever one looks. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Schedules } from '../../src/cron/index.ts';
import { eachBackend } from '../backends.ts';
import { reaches } from '../support/system.ts';
import { ADA, openDesk, waiting } from './desk.ts';

const BY_ADA = { as: ADA };

eachBackend((backend) => {
  it('a foreign id can not be told from one that was never given', async (t) => {
    const desk = await openDesk(backend, t);
    const foreign = await desk.baton.createTask(waiting, undefined, { user: 'bob' });
    const unknown = 999_999;
    const told = async (id: number): Promise<readonly unknown[]> => {
      const answers = [
        await desk.get(`api/tasks/${id}`, BY_ADA),
        await desk.get(`api/tasks/${id}/history`, BY_ADA),
        await desk.post(`api/tasks/${id}/run`, {}, BY_ADA),
        await desk.post(`api/tasks/${id}/pause`, {}, BY_ADA),
        await desk.post(`api/tasks/${id}/move`, { group: 'x' }, BY_ADA),
        await desk.post(`api/tasks/${id}/delete`, {}, BY_ADA),
        await desk.post('api/tasks/bulk', { change: 'delete', ids: [id] }, BY_ADA),
        await desk.get(`api/tasks?search=${id}`, BY_ADA),
        await desk.get(`api/tasks?parent=${id}`, BY_ADA),
        await desk.get(`api/tasks?user=bob`, BY_ADA),
        await desk.get(`api/tasks?search=bob`, BY_ADA),
      ];
      return answers.map(({ status, text }) => [status, text.replaceAll(String(id), 'ID')]);
    };
    assert.deepEqual(await told(foreign), await told(unknown));
    assert.equal((await desk.baton.getTask(foreign)).state, 'pending');
  });

  it('lists, children, counts and queues hold own tasks only', async (t) => {
    const desk = await openDesk(backend, t);
    await desk.baton.start();
    const parent = await desk.baton.createTask(waiting, undefined, { user: 'ada', group: 'day' });
    const own = await desk.baton.createTask(waiting, undefined, { user: 'ada', group: 'day', parent });
    const others = await desk.baton.createTask(waiting, undefined, { user: 'bob', group: 'night', parent });
    await Promise.all([parent, own, others].map((id) => reaches(desk.baton, id, 'running')));
    const ids = async (query: string): Promise<readonly number[]> =>
      (await desk.get(`api/tasks?${query}`, BY_ADA)).body.tasks.map(({ id }) => id);
    assert.deepEqual(await ids(''), [own, parent]);
    assert.deepEqual(await ids(`parent=${parent}`), [own]);
    assert.deepEqual(await ids('group=night'), []);
    const overview = (await desk.get('api/overview', BY_ADA)).body;
    assert.deepEqual([overview.states, overview.slots.used], [{ running: 2 }, 2]);
    for (const { replicas } of [overview, (await desk.get('api/replicas', BY_ADA)).body])
      assert.deepEqual(
        replicas.map(({ running }) => running.map(({ id }) => id)),
        [[parent, own]],
      );
    const { users, groups, types, matrix } = (await desk.get('api/queues', BY_ADA)).body;
    assert.deepEqual(
      [users, groups, types].map((scopes) => scopes.map(({ name, states }) => [name, states])),
      [[['ada', { running: 2 }]], [['day', { running: 2 }]], [['waiting', { running: 2 }]]],
    );
    assert.deepEqual(
      matrix.map(({ user, group, running }) => [user, group, running]),
      [['ada', 'day', 2]],
    );
  });

  it('all that match means all of one’s own', async (t) => {
    const desk = await openDesk(backend, t);
    const own = await desk.baton.createTask(waiting, undefined, { user: 'ada' });
    const other = await desk.baton.createTask(waiting, undefined, { user: 'bob' });
    for (const body of [
      { change: 'pause', all: true },
      { change: 'move', filter: { types: ['waiting'] }, group: 'night' },
      { change: 'run', ids: [own, other] },
      { change: 'delete', filter: { user: 'ada' } },
    ])
      assert.equal((await desk.post('api/tasks/bulk', body, BY_ADA)).body.changed, 1, JSON.stringify(body));
    const { body } = await desk.post('api/tasks/bulk', { change: 'delete', filter: { user: 'bob' } }, BY_ADA);
    assert.equal(body.changed, 0);
    const { state, group } = await desk.baton.getTask(other);
    assert.deepEqual([state, group], ['pending', '']);
  });

  it('tasks are created for oneself, and a key that somebody else has tells nothing of its task', async (t) => {
    const desk = await openDesk(backend, t);
    const theirs = await desk.baton.createTask(waiting, undefined, { user: 'bob', key: 'k' });
    const { body } = await desk.post('api/tasks', { type: 'waiting' }, BY_ADA);
    assert.equal((await desk.baton.getTask(body.id)).user, 'ada');
    assert.equal((await desk.post('api/tasks', { type: 'waiting', user: 'bob' }, BY_ADA)).status, 403);
    const taken = await desk.post('api/tasks', { type: 'waiting', key: 'k' }, BY_ADA);
    assert.deepEqual([taken.status, taken.body.error.code], [409, 'KEY_TAKEN']);
    assert.doesNotMatch(taken.text, new RegExp(`\\b${theirs}\\b|bob`));
  });

  it('the schedules of others are not listed', async (t) => {
    const desk = await openDesk(backend, t);
    const schedules = new Schedules(desk.baton);
    await schedules.set('mine', { task: waiting, every: '1h', user: 'ada' });
    await schedules.set('theirs', { task: waiting, every: '1h', user: 'bob' });
    const { body } = await desk.get('api/schedules', BY_ADA);
    assert.deepEqual(
      body.schedules.map(({ name }) => name),
      ['mine'],
    );
  });
});
