/** What requests must be like, and what answers are like, whatever they are about. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { dashboard } from '../../src/dashboard/index.ts';
import { ROUTES } from '../../src/dashboard/routes.ts';
import { Taskbaton } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { HOST, openDesk } from './desk.ts';

eachBackend((backend) => {
  it('only JSON from the page itself changes anything', async (t) => {
    const desk = await openDesk(backend, t, {}, { origins: ['https://ops.example'] });
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await desk.post('api/tasks', { type: 'waiting' }, { headers })).status;
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      '',
      'application/jsonx',
    ])
      assert.equal(await status({ 'content-type': type }), 415, type);
    for (const origin of ['https://evil.example', 'null', `${HOST}.evil.example`, 'http://evil.example:80'])
      assert.equal(await status({ origin }), 403, origin);
    for (const site of ['cross-site', 'same-site'])
      assert.equal(await status({ 'sec-fetch-site': site }), 403, site);
    for (const origin of [HOST, 'https://ops.example']) assert.equal(await status({ origin }), 201, origin);
    for (const site of ['same-origin', 'none'])
      assert.equal(await status({ 'sec-fetch-site': site }), 201, site);
    assert.equal(await status({ 'content-type': 'application/json; charset=utf-8' }), 201);
    assert.equal(await status({ host: 'ops.example', origin: 'https://ops.example' }), 201);
    assert.equal((await desk.baton.getTasks()).tasks.length, 6);
  });

  it('bodies are JSON, not too long, and as the route wants them', async (t) => {
    const desk = await openDesk(backend, t, {}, { maxBody: 2048 });
    const raw = async (body: string | Uint8Array<ArrayBuffer>): Promise<number> =>
      (await desk.post('api/tasks', undefined, { raw: body })).status;
    assert.equal(await raw('{"type":"waiting"'), 400);
    assert.equal(await raw('[]'), 400);
    assert.equal(await raw('null'), 400);
    assert.equal(await raw('{"type":"waiting","evil":1}'), 400);
    assert.equal(await raw('{"type":7}'), 400);
    assert.equal(await raw(new Uint8Array([0x7b, 0xff, 0x7d])), 400);
    assert.equal(await raw(JSON.stringify({ type: 'waiting', input: 'x'.repeat(2048) })), 413);
    assert.equal(await raw(`{"type":"waiting","input":${'['.repeat(900)}${']'.repeat(900)}}`), 201);
    assert.equal((await desk.baton.getTasks()).tasks.length, 1);
  });

  it('parameters are known, single, and within their bounds', async (t) => {
    const desk = await openDesk(backend, t);
    for (const query of [
      'limit=0',
      'limit=201',
      'limit=1e3',
      'limit=10&limit=20',
      'after=-1',
      'after=9999999999999999999',
      'user=a&user=b',
      `user=${'x'.repeat(256)}`,
      'state=gone',
      'search=',
      'includeDeleting=yes',
      'constructor=1',
      'parent=x',
      `type=${Array.from({ length: 101 }, () => 'a').join('&type=')}`,
      `search=${'%F0%9F%98%80'.repeat(64)}`,
      'search=%00',
    ])
      assert.equal((await desk.get(`api/tasks?${query}`)).status, 400, query.slice(0, 60));
    for (const path of [
      'api/tasks/0',
      'api/tasks/-1',
      'api/tasks/1.5',
      'api/tasks/abc',
      'api/tasks/99999999999999999999',
    ])
      assert.equal((await desk.get(path)).status, 404, path);
    assert.equal((await desk.get('api/tasks/%ff')).status, 400);
    assert.equal((await desk.get(`api/tasks?search=${'x'.repeat(9000)}`)).status, 400);
    assert.equal((await desk.get('api/nothing')).status, 404);
    assert.equal((await desk.get('api/tasks/1/run')).status, 405);
  });
});

it('a body without an end is cut off, not collected', async (t) => {
  const baton = new Taskbaton({ db: 'sqlite::memory:', logger: null });
  t.after(() => baton.stop());
  const handler = dashboard(baton, {
    access: () => ({ user: 'root', can: ['create'], scope: null }),
    maxBody: 65_536,
  });
  let sent = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += 16_384;
      controller.enqueue(new Uint8Array(16_384).fill(32));
    },
    cancel: () => void (cancelled = true),
  });
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body, duplex: 'half' } as const;
  const response = await handler(new Request(`${HOST}/api/tasks`, init));
  assert.deepEqual([response.status, cancelled], [413, true]);
  assert.ok(sent <= 65_536 + 3 * 16_384, `${sent} bytes were taken`);
});

it('probes need no access: one tells whether the process answers, the other whether its database does', async (t) => {
  const baton = new Taskbaton({ db: 'postgres://nobody@127.0.0.1:1/nothing', logger: null });
  t.after(() => baton.stop());
  const handler = dashboard(baton, { access: () => null });
  const statuses = await Promise.all(
    ['healthz', 'readyz', 'metrics'].map(
      async (path) => (await handler(new Request(`${HOST}/${path}`))).status,
    ),
  );
  assert.deepEqual(statuses, [200, 503, 401]);
});

it('an option that is wrong is refused with what is wrong about it', () => {
  const baton = new Taskbaton({ db: 'sqlite::memory:' });
  const access = (): null => null;
  for (const wrong of [
    { prefix: 'admin' },
    { prefix: '/admin/' },
    { maxBody: 0 },
    { maxStreams: -1 },
    { origins: ['ops.example'] },
    { tasks: 'all' },
  ])
    assert.throws(
      () => dashboard(baton, { access, ...wrong } as never),
      { code: 'INVALID_OPTION' },
      JSON.stringify(wrong),
    );
});

it('every route is described, and nothing is described that is no route', async (t) => {
  const baton = new Taskbaton({ db: 'sqlite::memory:', logger: null });
  t.after(() => baton.stop());
  const handler = dashboard(baton, { access: () => ({ user: 'root', can: [], scope: null }) });
  const document = (await (await handler(new Request(`${HOST}/api/openapi.json`))).json()) as {
    readonly openapi: string;
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly operationId: string }>>>>;
    readonly components: { readonly schemas: object };
  };
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => `${method} ${path} ${operationId}`),
  );
  const routes = ROUTES.map(
    ({ method, path, name }) => `${method.toLowerCase()} /${path.replaceAll(/:(\w+)/g, '{$1}')} ${name}`,
  );
  assert.deepEqual(described.toSorted(), routes.toSorted());
  assert.match(document.openapi, /^3\.1\./);
  // Whatever is referred to is there.
  const references = JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g);
  for (const [, name = ''] of references) assert.ok(Object.hasOwn(document.components.schemas, name), name);
});
