/**
 * Who may do what, as a matrix made from the table of routes: each route is asked by nobody, by somebody with all permissions,
 * by somebody who lacks one, by somebody with none, and by somebody who sees one user's tasks only.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Visitor } from '../../src/dashboard/access.ts';
import type { Permission } from '../../src/dashboard/api.ts';
import { dashboard, withOrigin } from '../../src/dashboard/index.ts';
import type { Route } from '../../src/dashboard/route.ts';
import { ROUTES } from '../../src/dashboard/routes.ts';
import { Schedules } from '../../src/cron/index.ts';
import { Taskbaton } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { ADA, ADMIN, type Answer, type Ask, type Desk, openDesk, waiting } from './desk.ts';

/** What each route is asked with; `:id` is a task of ada's. */
const BODIES: Readonly<Record<string, { readonly change?: Permission; readonly [part: string]: unknown }>> = {
  createTask: { type: 'waiting' },
  changeTasks: { change: 'pause', filter: { user: 'ada' } },
  moveTask: { group: 'night' },
  pauseQueue: { kind: 'group', name: 'day' },
  resumeQueue: { kind: 'group', name: 'day' },
  setLimit: { kind: 'group', name: 'day', limit: 3 },
};

eachBackend((backend) => {
  it('every route asks for its permissions, and for no others', async (t) => {
    const desk = await openDesk(backend, t);
    for (const route of ROUTES) {
      const needs = neededBy(route);
      const enough: Visitor = { ...ADMIN, can: needs };
      assert.ok((await call(desk, route, { as: enough })).status < 300, `${route.name} with what it needs`);
      assert.equal((await call(desk, route, { as: null })).status, 401, `${route.name} by nobody`);
      for (const missing of needs) {
        const lacking = { ...ADMIN, can: ADMIN.can.filter((one) => one !== missing) };
        const { status, body } = await call(desk, route, { as: lacking });
        assert.deepEqual([status, body.error.code], [403, 'FORBIDDEN'], `${route.name} without ${missing}`);
      }
      const { status } = await call(desk, route, { as: { ...ADMIN, can: [] } });
      assert.equal(status, needs.length === 0 ? 200 : 403, `${route.name} without any`);
    }
  });

  it('who sees one user only is kept from what concerns all, and is served the rest', async (t) => {
    const desk = await openDesk(backend, t);
    for (const route of ROUTES) {
      const { status } = await call(desk, route, { as: ADA });
      if (route.scoped) assert.ok(status < 300, `${route.name} for ada: ${status}`);
      else assert.equal(status, 403, `${route.name} for ada`);
    }
  });

  it('what is refused has no effect', async (t) => {
    const desk = await openDesk(backend, t);
    const id = await desk.baton.createTask(waiting, undefined, { user: 'ada' });
    const before = await desk.baton.getTask(id);
    for (const route of ROUTES.filter(({ method }) => method !== 'GET')) {
      for (const as of [null, { ...ADMIN, can: ['read'] as const }])
        await ask(desk, route, { id, name: 'nightly' }, { as });
      const body = { ...BODIES[route.name] };
      await ask(
        desk,
        route,
        { id, name: 'nightly' },
        { headers: { origin: 'https://elsewhere.example' } },
        body,
      );
    }
    assert.deepEqual(await desk.baton.getTask(id), before);
    assert.equal((await desk.baton.getTasks()).tasks.length, 1);
    assert.deepEqual(
      (await desk.baton.groups()).map(({ paused, limit }) => [paused, limit]),
      [[false, undefined]],
    );
  });
});

it('there is no dashboard without access, unless that is said', () => {
  const baton = new Taskbaton({ db: 'sqlite::memory:' });
  for (const options of [undefined, null, {}, { unsafeNoAuth: false }, { access: 'all' }, { access: null }])
    assert.throws(
      () => dashboard(baton, options as never),
      { code: 'INVALID_OPTION' },
      JSON.stringify(options),
    );
  assert.throws(() => dashboard(baton, { access: () => null, unsafeNoAuth: true }), {
    code: 'INVALID_OPTION',
  });
  assert.throws(() => dashboard(baton, { acess: () => null } as never), { code: 'INVALID_OPTION' });
});

it('without access it serves requests from this machine, and no others', async (t) => {
  const baton = new Taskbaton({ db: 'sqlite::memory:', logger: null });
  t.after(() => baton.stop());
  const handler = dashboard(baton, { unsafeNoAuth: true });
  const status = async (url: string, address: string | undefined, headers: object = {}): Promise<number> =>
    (await handler(withOrigin(new Request(url, { headers: { ...headers } }), { address }))).status;
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'])
    assert.equal(await status('http://localhost:3000/api/session', address), 200, address);
  for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '128.0.0.1', '127.0.0.1.example', '', undefined])
    assert.equal(await status('http://localhost:3000/api/session', address), 403, address);
  assert.equal((await handler(new Request('http://localhost/api/session'))).status, 403);
  // A name of another site that was made to lead here, and a proxy that makes everybody look local.
  assert.equal(await status('http://evil.example/api/session', '127.0.0.1'), 403);
  assert.equal(await status('http://localhost/api/session', '127.0.0.1', { host: 'evil.example' }), 403);
  assert.equal(
    await status('http://localhost/api/session', '127.0.0.1', { 'x-forwarded-for': '10.0.0.1' }),
    403,
  );
});

it('an access function that fails or answers nonsense lets nobody in, and says nothing', async (t) => {
  const baton = new Taskbaton({ db: 'sqlite::memory:', logger: null });
  t.after(() => baton.stop());
  const failures: string[] = [];
  baton.on('dashboard.failing', ({ error }) => void failures.push(error));
  const wrong: readonly unknown[] = [
    undefined,
    'ada',
    {},
    { user: 'ada', can: ['read'] },
    { user: 'ada', can: ['read'], scope: undefined },
    { user: 'ada', can: ['everything'], scope: null },
    { user: 'ada', can: 'read', scope: null },
    { user: '', can: ['read'], scope: null },
    { user: 'x'.repeat(256), can: ['read'], scope: null },
    { user: 'ada', can: ['read'], scope: 7 },
  ];
  for (const visitor of wrong) {
    const response = await dashboard(baton, { access: () => visitor as Visitor })(
      new Request('http://x/api/tasks'),
    );
    assert.equal(response.status, 500, JSON.stringify(visitor));
    assert.doesNotMatch(await response.text(), /ada|everything/);
  }
  const access = (): never => {
    throw new Error('secret reason');
  };
  const response = await dashboard(baton, { access })(new Request('http://x/api/tasks'));
  assert.doesNotMatch(await response.text(), /secret/);
  assert.equal(failures.length, wrong.length + 1);
});

it('an access function may answer by itself', async (t) => {
  const baton = new Taskbaton({ db: 'sqlite::memory:', logger: null });
  t.after(() => baton.stop());
  const login = (): Response => new Response(null, { status: 303, headers: { location: '/login' } });
  const response = await dashboard(baton, { access: login })(new Request('http://x/'));
  assert.deepEqual([response.status, response.headers.get('location')], [303, '/login']);
});

function neededBy({ needs, name }: Route): readonly Permission[] {
  const { change = 'read' } = BODIES[name] ?? {};
  return needs.map((need) => (need === 'change' ? change : need));
}

/** On a fresh task and schedule, so that whatever is asked makes sense. */
async function call(desk: Desk, route: Route, given: Ask): Promise<Answer> {
  if (route.path.startsWith('api/replicas/:id')) {
    await desk.baton.start();
    return ask(desk, route, { id: desk.baton.replicaId ?? '' }, given);
  }
  const id = await desk.baton.createTask(waiting, undefined, { user: 'ada', autoRun: false });
  await new Schedules(desk.baton).set('nightly', { task: waiting, every: '1h', user: 'ada' });
  return ask(desk, route, { id, name: 'nightly' }, given);
}

async function ask(
  { get, post, put }: Desk,
  route: Route,
  values: Readonly<Record<string, string | number>>,
  given: Ask,
  body: object = { ...BODIES[route.name] },
): Promise<Answer> {
  const path = route.path.replaceAll(/:(\w+)/g, (_whole, name: string) => String(values[name]));
  if (route.method === 'GET') return get(path, given);
  return route.method === 'POST' ? post(path, body, given) : put(path, body, given);
}
