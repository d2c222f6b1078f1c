/**
 * The dashboard of a system as one handler of requests: the page, the API behind it, metrics and health. What is the same for
 * every request is here, in this order: where it leads, who asks, whether they may, whether it is well formed.
 */
import { messageFrom } from '../core/errors.ts';
import type { Taskbaton } from '../index.ts';
import { internalsOf } from '../runtime/internals.ts';
import { Cache } from '../runtime/cache.ts';
import { ScheduleControl } from '../schedule-control.ts';
import { admit, admitLocal, type CheckedVisitor } from './access.ts';
import type { Sources } from './audience.ts';
import { EventStreams } from './event-streams.ts';
import { failureOf, Refusal } from './failure.ts';
import { checkSite, DATA_HEADERS, isReading, LONGEST_URL, readBody } from './guard.ts';
import { health, isHealth } from './health.ts';
import type { Host } from './host.ts';
import { Metrics } from './metrics.ts';
import { type CheckedOptions, checkOptions, type DashboardOptions } from './options.ts';
import { originOf } from './origin.ts';
import { type LoadPage, loadPage, pageAtMount, pageFor } from './page.ts';
import { Recent } from './recent.ts';
import { checkBody, type Match, needsOf, readParameters, routesTo } from './route.ts';
import { ROUTES } from './routes.ts';
import { SCHEMAS } from './schemas.ts';

export type DashboardHandler = (request: Request) => Promise<Response>;

/**
 * A handler that shows and steers the system of `baton`, to be mounted in any server. Throws INVALID_OPTION, also if nobody
 * says who may do what.
 */
export function dashboard(
  baton: Taskbaton,
  options: DashboardOptions,
  { load = loadPage }: { readonly load?: LoadPage } = {},
): DashboardHandler {
  const desk = new Desk(baton, checkOptions(options), load);
  return (request) => desk.answer(request);
}

class Desk {
  readonly #options: CheckedOptions;
  readonly #host: Host;
  readonly #load: LoadPage;
  readonly #tell: (error: unknown, path: string) => void;

  constructor(baton: Taskbaton, options: CheckedOptions, load: LoadPage) {
    const { clock, events, feed, observer, registry, settings, stores, endings } = internalsOf(baton);
    this.#options = options;
    this.#load = load;
    const { maxStreams: most, maxBuffered: buffered } = options;
    const sources: Sources = {
      changes: (listener, ids) => feed.listen(listener, ids),
      ready: () => feed.ready(),
      include: (id) => feed.include(id),
      now: () => events.now(),
      history: (wanted) => events.follow(wanted),
      missed: (wanted, until) => events.missed(wanted, until),
    };
    const streams = new EventStreams({ clock, sources, most, buffered });
    endings.add(() => streams.close());
    // Whoever probes without access can't make the database answer more often than that.
    const probes = new Cache<string, void>(clock, 1);
    this.#host = {
      baton,
      schedules: new ScheduleControl(baton),
      tasks: options.tasks,
      creatable: () => [...new Set([...options.tasks.keys(), ...registry.runnable.keys()])].toSorted(),
      streams,
      metrics: new Metrics(baton, { clock, streams }),
      lists: new Recent(clock, () => streams.news),
      ready: () => probes.get('ready', async () => (await stores.open()).ping()),
      system: async () => {
        const { database, history } = await stores.open();
        const { prefix } = settings;
        return { prefix, database: database.dialect, history: history.level !== 'off' };
      },
    };
    this.#tell = (error, path) => observer.emit('dashboard.failing', { path, error: messageFrom(error) });
  }

  /** Never rejects. */
  async answer(request: Request): Promise<Response> {
    try {
      return await this.#answer(request);
    } catch (error) {
      const { status, headers, body } = failureOf(error);
      if (status >= 500 && !(error instanceof Refusal)) this.#tell(error, new URL(request.url).pathname);
      return Response.json(body, { status, headers: { ...DATA_HEADERS, ...headers } });
    }
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (request.url.length > LONGEST_URL) throw new Refusal('BAD_REQUEST', 'the URL is too long');
    const path = this.#pathIn(url, request);
    if (isHealth(path)) return health(path, this.#host);
    const visitor = await this.#admit(request);
    if (visitor instanceof Response) return visitor;
    if (path === undefined) return this.#page(request, (load) => pageAtMount(request, load));
    const matches = routesTo(ROUTES, path);
    if (matches.length === 0) return this.#page(request, (load) => pageFor(request, path, load));
    return this.#call(request, url, visitor, this.#chosen(matches, request.method));
  }

  /** What comes after the prefix and its slash; undefined for the prefix itself. */
  #pathIn({ pathname }: URL, request: Request): string | undefined {
    const prefix = this.#options.prefix ?? originOf(request).prefix ?? '';
    if (prefix !== '' && pathname === prefix) return undefined;
    if (pathname.startsWith(`${prefix}/`)) return pathname.slice(prefix.length + 1);
    throw new Refusal('NOT_FOUND', 'this is not below the prefix of the dashboard');
  }

  #admit(request: Request): Promise<CheckedVisitor | Response> | CheckedVisitor {
    const { access } = this.#options;
    return access === undefined ? admitLocal(request, originOf(request)) : admit(access, request);
  }

  async #page(request: Request, find: (load: LoadPage) => Promise<Response | undefined>): Promise<Response> {
    const page = isReading(request.method) ? await find(this.#load) : undefined;
    if (page === undefined) throw new Refusal('NOT_FOUND', 'there is no such path');
    return page;
  }

  #chosen(matches: readonly Match[], asked: string): Match {
    const method = asked === 'HEAD' ? 'GET' : asked;
    // What is spelt out goes before what a parameter would match.
    const match = matches.find(({ route }) => route.method === method);
    if (match !== undefined) return match;
    const allow = matches.map(({ route }) => route.method).join(', ');
    throw new Refusal('METHOD_NOT_ALLOWED', `only ${allow} makes sense here`, { allow });
  }

  async #call(request: Request, url: URL, visitor: CheckedVisitor, match: Match): Promise<Response> {
    const { route } = match;
    const reading = isReading(request.method);
    if (!reading) checkSite(request, this.#options.origins);
    if (!route.scoped && visitor.owner !== undefined)
      throw new Refusal('FORBIDDEN', 'this concerns the tasks of all users');
    // What is known before the body is read is refused before it is read.
    this.#permit(
      visitor,
      route.needs.filter((need) => need !== 'change'),
    );
    const parameters = readParameters(match, url.searchParams);
    const body = reading ? undefined : await readBody(request, this.#options.maxBody);
    checkBody(route, body, SCHEMAS);
    this.#permit(visitor, needsOf(route, body));
    const call = { host: this.#host, visitor, request, parameters, body };
    const result = await route.handle(call as Parameters<typeof route.handle>[0]);
    if (result instanceof Response) return result;
    return Response.json(result, { status: route.status, headers: DATA_HEADERS });
  }

  #permit({ can }: CheckedVisitor, needs: readonly Parameters<typeof can.has>[0][]): void {
    const missing = needs.find((need) => !can.has(need));
    if (missing !== undefined) throw new Refusal('FORBIDDEN', `you need the permission ${missing}`);
  }
}
