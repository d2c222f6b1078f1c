/** The dashboard's API in front of the system that isn't there. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BulkRequest, LimitRequest, PauseRequest, Session, TaskView } from '../../src/dashboard/api.ts';
import { type MadeUpSystem, STEP } from './made-up-system.ts';

const SESSION: Session = {
  user: 'ada@example.org',
  scope: null,
  can: ['read', 'create', 'run', 'pause', 'move', 'delete', 'limits', 'replicas', 'schedules'],
  system: { prefix: 'taskbaton_', database: 'nowhere', version: '0.0.0', history: true },
};

type Body = Record<string, unknown>;
type Handler = (match: readonly string[], query: URLSearchParams, body: Body) => unknown;

const NOT_FOUND = Symbol('not found');

export class MadeUpApi {
  readonly #system: MadeUpSystem;
  readonly #routes: readonly (readonly [method: string, pattern: RegExp, handle: Handler])[];

  constructor(system: MadeUpSystem) {
    this.#system = system;
    this.#routes = [
      ['GET', /^session$/, () => SESSION],
      ['GET', /^overview$/, () => system.overview()],
      ['GET', /^tasks$/, (_, query) => this.#list(query)],
      ['POST', /^tasks\/bulk$/, (_, __, body) => ({ changed: system.bulk(body as unknown as BulkRequest) })],
      ['GET', /^tasks\/(\d+)$/, ([id]) => system.task(Number(id)) ?? NOT_FOUND],
      ['GET', /^tasks\/(\d+)\/history$/, ([id], query) => this.#history(Number(id), query)],
      [
        'POST',
        /^tasks\/(\d+)\/(run|pause|move|delete)$/,
        ([id, action], _, body) => system.change(Number(id), action as 'run', body) ?? NOT_FOUND,
      ],
      ['GET', /^queues$/, () => system.queues()],
      ['POST', /^queues\/(pause|resume)$/, ([verb], _, body) => this.#pause(verb === 'pause', body)],
      ['PUT', /^limits$/, (_, __, body) => this.#limit(body as unknown as LimitRequest)],
      ['GET', /^replicas$/, () => ({ replicas: system.replicas() })],
      ['POST', /^replicas\/([^/]+)\/drain$/, ([id]) => (system.drain(id ?? '') ? {} : NOT_FOUND)],
      ['GET', /^schedules$/, () => ({ schedules: system.schedules })],
      ['POST', /^schedules\/([^/]+)\/(\w+)$/, ([name, verb]) => this.#schedule(name ?? '', verb ?? '')],
    ];
  }

  /** `path` begins after `api/`. */
  async answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = new URL(path, 'http://localhost/');
    const name = address.pathname.slice(1);
    if (name === 'events') return this.#stream(response);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as Body);
    for (const [method, pattern, handle] of this.#routes) {
      const match = request.method === method ? pattern.exec(name) : null;
      if (match === null) continue;
      const result = handle(match.slice(1).map(decodeURIComponent), address.searchParams, body);
      return result === NOT_FOUND ? refuse(response) : send(response, 200, result);
    }
    return refuse(response);
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': hello\n\n');
    const stop = this.#system.listen((event, data) => {
      const { cursor } = data as { cursor?: string };
      const id = event === 'change' ? `id: ${cursor ?? ''}\n` : '';
      response.write(`${id}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    });
    response.on('close', stop);
  }

  #list(query: URLSearchParams): { tasks: readonly TaskView[]; next: number | null } {
    const limit = Number(query.get('limit') ?? 50);
    const after = Number(query.get('after') ?? Number.POSITIVE_INFINITY);
    const search = query.get('search') ?? '';
    const any = (name: string, value: string): boolean => {
      const asked = query.getAll(name);
      return asked.length === 0 || asked.includes(value);
    };
    const found = this.#system
      .tasks()
      .filter(
        (task) =>
          task.id < after &&
          any('state', task.state) &&
          any('type', task.type) &&
          any('user', task.user) &&
          any('group', task.group) &&
          any('parent', String(task.parent)) &&
          (search === '' ||
            [String(task.id), task.type, task.user, task.group].some((text) => text.startsWith(search))),
      );
    const tasks = found.slice(0, limit);
    return { tasks, next: found.length > limit ? (tasks.at(-1)?.id ?? null) : null };
  }

  #history(id: number, query: URLSearchParams): unknown {
    const after = Number(query.get('after') ?? 0);
    const limit = Number(query.get('limit') ?? 100);
    const found = this.#system.history(id).filter(({ cursor }) => Number(cursor) > after);
    const entries = found.slice(0, limit);
    return { entries, next: found.length > limit ? entries.at(-1)?.cursor : null };
  }

  #pause(paused: boolean, body: Body): unknown {
    const { kind, name } = body as unknown as PauseRequest;
    this.#system.pause(kind, name, paused);
    return {};
  }

  #limit({ kind, name, limit }: LimitRequest): unknown {
    this.#system.limit(kind, name, limit);
    return {};
  }

  #schedule(name: string, verb: string): unknown {
    const { schedules } = this.#system;
    const found = schedules.find((schedule) => schedule.name === name);
    if (found === undefined) return NOT_FOUND;
    if (verb === 'delete') schedules.splice(schedules.indexOf(found), 1);
    if (verb === 'pause' || verb === 'resume') found.paused = verb === 'pause';
    return {};
  }
}

/** Lets time pass, in the system and for whoever listens. */
export function letTimePass(system: MadeUpSystem): () => void {
  const step = setInterval(() => system.step(STEP), STEP);
  const tick = setInterval(() => system.tick(), 1_000);
  return () => {
    clearInterval(step);
    clearInterval(tick);
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse): void {
  send(response, 404, { error: { code: 'NOT_FOUND', message: 'There is no such thing.' } });
}
