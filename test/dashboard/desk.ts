/**
 * A dashboard under test: asked by visitors of any kind, with every answer held to what the routes say of it: its status, its
 * schema, and the headers that all answers have.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { PERMISSIONS, type Visitor } from '../../src/dashboard/access.ts';
import { dashboard, type DashboardOptions } from '../../src/dashboard/index.ts';
import type { PageFiles } from '../../src/dashboard/page-file.ts';
import type {
  BulkResult,
  Created,
  Failure,
  HistoryPage,
  Overview,
  Queues,
  ReplicaList,
  ScheduleList,
  Session,
  TaskList,
  TaskView,
} from '../../src/dashboard/api.ts';
import { type Route, routesTo } from '../../src/dashboard/route.ts';
import { ROUTES } from '../../src/dashboard/routes.ts';
import { problemOf, ref } from '../../src/dashboard/schema.ts';
import { SCHEMAS } from '../../src/dashboard/schemas.ts';
import { defineTask, type Taskbaton, type TaskbatonOptions } from '../../src/index.ts';
import type { Backend } from '../backends.ts';
import { openSystem, type System } from '../support/system.ts';

export const HOST = 'http://desk.example';

export const ADMIN: Visitor = { user: 'root', can: PERMISSIONS, scope: null };
export const ADA: Visitor = { user: 'ada', can: PERMISSIONS, scope: 'ada' };

/** Waits to be paused, or for ever. */
export const waiting = defineTask({
  type: 'waiting',
  async *run({ signal }) {
    yield { progress: 0.5, context: { step: 1 } };
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  },
});

/** All that answers may hold, at once. */
type Body = TaskView &
  TaskList &
  Created &
  HistoryPage &
  Overview &
  Queues &
  ReplicaList &
  ScheduleList &
  Session &
  BulkResult &
  Failure;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of JSON: which parts there are follows from the route. */
  readonly body: Body;
}

export interface Ask {
  readonly as?: Visitor | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** A body that is sent as it is. */
  readonly raw?: string | Uint8Array;
}

export interface Desk {
  readonly system: System;
  readonly baton: Taskbaton;
  readonly handler: (request: Request) => Promise<Response>;
  readonly get: (path: string, ask?: Ask) => Promise<Answer>;
  readonly post: (path: string, body?: unknown, ask?: Ask) => Promise<Answer>;
  readonly put: (path: string, body?: unknown, ask?: Ask) => Promise<Answer>;
}

export async function openDesk(
  backend: Backend,
  t: TestContext,
  options: Partial<TaskbatonOptions> = {},
  mounted: Partial<DashboardOptions> & { readonly page?: PageFiles } = {},
): Promise<Desk> {
  const system = await openSystem(backend, t);
  const baton = system.instance({ redact: (payload) => payload, tasks: [waiting], ...options });
  const { page = {}, ...others } = mounted;
  const handler = dashboard(baton, { access: visitorOf, ...others }, { load: async () => page });
  const ask = async (
    method: string,
    path: string,
    given: unknown,
    { as = ADMIN, headers = {}, raw }: Ask,
  ): Promise<Answer> => {
    const changing = method !== 'GET' && method !== 'HEAD';
    const request = new Request(`${HOST}/${path}`, {
      method,
      headers: { ...(changing ? { 'content-type': 'application/json' } : {}), ...asVisitor(as), ...headers },
      ...(changing ? { body: raw ?? JSON.stringify(given ?? {}) } : {}),
    });
    const response = await handler(request);
    const type = response.headers.get('content-type') ?? '';
    const streams = type === 'text/event-stream';
    if (streams) await response.body?.cancel();
    const text = streams ? '' : await response.text();
    const { status } = response;
    const body = (type.startsWith('application/json') ? JSON.parse(text) : {}) as Body;
    const answer: Answer = { status, headers: response.headers, text, body };
    checkAnswer(method, path, answer);
    return answer;
  };
  return {
    system,
    baton,
    handler,
    get: (path, given = {}) => ask('GET', path, undefined, given),
    post: (path, body, given = {}) => ask('POST', path, body, given),
    put: (path, body, given = {}) => ask('PUT', path, body, given),
  };
}

/** Tells the access function of these tests who asks. */
export function asVisitor(visitor: Visitor | null): Readonly<Record<string, string>> {
  return visitor === null ? {} : { 'x-visitor': encodeURIComponent(JSON.stringify(visitor)) };
}

function visitorOf(request: Request): Visitor | null {
  const header = request.headers.get('x-visitor');
  return header === null ? null : (JSON.parse(decodeURIComponent(header)) as Visitor);
}

function checkAnswer(method: string, path: string, { status, headers, body }: Answer): void {
  for (const [name, value] of [
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['x-frame-options', 'DENY'],
  ] as const)
    assert.equal(headers.get(name), value, `${method} ${path}`);
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/);
  const route = routeOf(method, path);
  if (status >= 400) return fits('Failure', body);
  if (route === undefined || route.answer.includes('/')) return;
  assert.equal(status, route.status, `${method} ${path}`);
  assert.equal(headers.get('cache-control'), 'no-store');
  fits(route.answer, body);
}

function fits(schema: string, body: unknown): void {
  assert.equal(
    problemOf(ref(schema), body, SCHEMAS),
    undefined,
    `${schema}: ${JSON.stringify(body)?.slice(0, 500)}`,
  );
}

function routeOf(method: string, path: string): Route | undefined {
  const [clean = ''] = path.split('?');
  try {
    return routesTo(ROUTES, clean).find(({ route }) => route.method === method)?.route;
  } catch {
    return undefined;
  }
}
