/** The dashboard where people mount it: in node:http, Express, Fastify, Hono and Next, below any prefix, with its page and its streams. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { dashboard, type DashboardOptions, toNodeHandler } from '../../src/dashboard/index.ts';
import { Refusal } from '../../src/dashboard/failure.ts';
import type { PageFiles } from '../../src/dashboard/page-file.ts';
import { Taskbaton } from '../../src/index.ts';
import { until } from '../support/system.ts';
import { ADMIN, waiting } from './desk.ts';

const page: PageFiles = {
  'index.html': {
    type: 'text/html; charset=utf-8',
    encoding: 'utf8',
    body: '<!doctype html><head><base href="./"><title>taskbaton</title></head>',
    etag: '"index"',
  },
  'assets/app-1.js': { type: 'text/javascript', encoding: 'utf8', body: 'export {};', etag: '"app"' },
  'assets/icon-1.png': { type: 'image/png', encoding: 'base64', body: 'iVBORw0KGgo=', etag: '"icon"' },
};

/** Mounts a handler below a prefix; resolves to where it can be asked. */
type Mount = (
  handler: (options?: Partial<DashboardOptions>) => (request: Request) => Promise<Response>,
  t: TestContext,
) => Promise<{ readonly url: string; readonly fetch: typeof fetch }>;

const MOUNTS: Readonly<Record<string, Mount>> = {
  'node:http at the root': async (handler, t) => {
    const url = await listening(createServer(toNodeHandler(handler())), t);
    return { url, fetch };
  },
  'node:http below a prefix': async (handler, t) => {
    const url = await listening(createServer(toNodeHandler(handler({ prefix: '/ops/tasks' }))), t);
    return { url: `${url}/ops/tasks`, fetch };
  },
  Express: async (handler, t) => {
    const app = express();
    app.use('/ops/tasks', toNodeHandler(handler()));
    return { url: `${await listening(createServer(app), t)}/ops/tasks`, fetch };
  },
  'Express behind its JSON parser': async (handler, t) => {
    const app = express();
    app.use(express.json());
    app.use('/ops/tasks', toNodeHandler(handler()));
    return { url: `${await listening(createServer(app), t)}/ops/tasks`, fetch };
  },
  Fastify: async (handler, t) => {
    const app = fastify({ forceCloseConnections: true });
    const serve = toNodeHandler(handler({ prefix: '/ops/tasks' }));
    await app.register(async (scope) => {
      // Bodies are ours to read.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _body, done) => done(null));
      for (const path of ['/ops/tasks', '/ops/tasks/*'])
        scope.all(path, (request, reply) => {
          reply.hijack();
          serve(request.raw, reply.raw);
        });
    });
    t.after(() => app.close());
    return { url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/ops/tasks`, fetch };
  },
  Hono: async (handler) => {
    const app = new Hono();
    const serve = handler({ prefix: '/ops/tasks' });
    for (const path of ['/ops/tasks', '/ops/tasks/*']) app.all(path, (context) => serve(context.req.raw));
    const ask = async (input: unknown, init?: RequestInit): Promise<Response> =>
      app.fetch(new Request(String(input), init));
    return { url: 'http://hono.example/ops/tasks', fetch: ask };
  },
  // Not Next itself, but what it does with a file `route.ts`: it calls what is exported under the name of the method.
  'the route handlers of Next': async (handler) => {
    const GET = handler({ prefix: '/ops/tasks' });
    const route: Readonly<Record<string, NextHandler>> = { GET, HEAD: GET, POST: GET, PUT: GET };
    const ask = async (input: unknown, init?: RequestInit): Promise<Response> => {
      const url = new URL(String(input));
      // Whoever comes with a slash at the end is sent to where there is none.
      if (url.pathname.endsWith('/')) return ask(new URL(url.pathname.slice(0, -1) + url.search, url), init);
      const request = new NextRequest(url, init);
      const path = url.pathname.split('/').slice(3);
      const response = await route[request.method]?.(request, { params: Promise.resolve({ path }) });
      if (response === undefined) return new Response(null, { status: 405 });
      const answer = request.method === 'HEAD' ? new Response(null, response) : response;
      return Object.defineProperty(answer, 'url', { value: url.href });
    };
    return { url: 'http://next.example/ops/tasks', fetch: ask };
  },
};

class NextRequest extends Request {}

type NextHandler = (
  request: NextRequest,
  context: { readonly params: Promise<{ readonly path: readonly string[] }> },
) => Promise<Response>;

for (const [name, mount] of Object.entries(MOUNTS)) {
  describe(name, () => {
    it('serves the page, wherever in it somebody begins', async (t) => {
      const { url, fetch: ask } = await mounted(mount, t);
      for (const path of ['', '/', '/tasks', '/tasks?state=failed', '/tasks/7', '/tasks/7/history']) {
        const response = await ask(`${url}${path}`, { headers: { accept: 'text/html' } });
        assert.deepEqual(
          [response.status, response.headers.get('content-type')],
          [200, 'text/html; charset=utf-8'],
          path,
        );
        const [, base = ''] = /<base href="(.*)">/.exec(await response.text()) ?? [];
        const link = new URL(`${base}assets/app-1.js`, response.url === '' ? `${url}${path}` : response.url);
        assert.equal(link.href, new URL(`${url}/assets/app-1.js`).href, path);
        assert.match(
          response.headers.get('content-security-policy') ?? '',
          /script-src 'self'; style-src 'self'/,
        );
      }
      const script = await ask(`${url}/assets/app-1.js`);
      assert.deepEqual(
        [await script.text(), script.headers.get('cache-control')],
        ['export {};', 'public, max-age=31536000, immutable'],
      );
      const icon = Buffer.from(await (await ask(`${url}/assets/icon-1.png`)).arrayBuffer());
      assert.equal(icon.toString('base64'), 'iVBORw0KGgo=');
      const again = await ask(`${url}/assets/app-1.js`, { headers: { 'if-none-match': '"app"' } });
      assert.equal(again.status, 304);
      for (const missing of ['/assets/none.js', '/api/none', '/assets/../api/none', '/constructor'])
        assert.equal((await ask(`${url}${missing}`)).status, 404, missing);
    });

    it('serves the API, with bodies and without', async (t) => {
      const { url, baton, fetch: ask } = await mounted(mount, t);
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ type: 'waiting', input: 'ä€😀', autoRun: false });
      const created = await ask(`${url}/api/tasks`, { method: 'POST', headers, body });
      assert.equal(created.status, 201);
      const { id } = (await created.json()) as { readonly id: number };
      assert.equal((await baton.getTask(id)).input, 'ä€😀');
      assert.equal((await ask(`${url}/api/tasks/${id}`)).status, 200);
      const head = await ask(`${url}/api/tasks/${id}`, { method: 'HEAD' });
      assert.deepEqual([head.status, await head.text()], [200, '']);
      const bad = await ask(`${url}/api/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body,
      });
      assert.equal(bad.status, 415);
      assert.equal((await ask(`${url}/healthz`)).status, 200);
    });

    it('streams events, and lets go of a stream whose reader has gone', async (t) => {
      const { url, baton, fetch: ask } = await mounted(mount, t);
      const gone = new AbortController();
      const response = await ask(`${url}/api/events`, { signal: gone.signal });
      assert.equal(response.headers.get('content-type'), 'text/event-stream');
      assert.ok(response.body !== null);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const heard = async (pattern: RegExp): Promise<void> => {
        for (let text = ''; !pattern.test(text);) text += (await reader.read()).value ?? '';
      };
      await heard(/event: tick\n/);
      await baton.createTask(waiting, undefined);
      await heard(/event: change\n.*"event":"create"/);
      await reader.cancel();
      gone.abort();
      await until('no stream is open', async () => {
        const metrics = await (await ask(`${url}/metrics`)).text();
        return /^taskbaton_dashboard_streams 0$/m.test(metrics);
      });
    });
  });
}

it('below a prefix there is the dashboard, and beside it there is nothing', async (t) => {
  const { fetch: ask } = await mounted(MOUNTS['Hono'] as Mount, t);
  for (const path of ['/', '/api/session', '/ops', '/ops/tasksapi/session'])
    assert.equal((await ask(`http://hono.example${path}`)).status, 404, path);
});

it('the page says so where it was not built, and the API works', async (t) => {
  const baton = new Taskbaton({ db: 'sqlite::memory:', logger: null });
  t.after(() => baton.stop());
  const missing = async (): Promise<PageFiles> =>
    Promise.reject(new Refusal('NO_PAGE', 'run: npm run build'));
  const handler = dashboard(baton, { access: () => ADMIN }, { load: missing });
  const response = await handler(new Request('http://x/'));
  assert.deepEqual([response.status, (await response.text()).includes('npm run build')], [503, true]);
  assert.equal((await handler(new Request('http://x/api/session'))).status, 200);
});

async function mounted(
  mount: Mount,
  t: TestContext,
): Promise<Awaited<ReturnType<Mount>> & { readonly baton: Taskbaton }> {
  const baton = new Taskbaton({ db: 'sqlite::memory:', tasks: [waiting], pollInterval: 20, logger: null });
  const place = await mount(
    (options = {}) => dashboard(baton, { access: () => ADMIN, ...options }, { load: async () => page }),
    t,
  );
  t.after(() => baton.stop());
  return { ...place, baton };
}

async function listening(server: Server, t: TestContext): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
