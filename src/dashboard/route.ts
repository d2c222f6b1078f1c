/**
 * A route as data: all that is to be known of it before it is called. Finding it, checking what comes in, who may call it
 * and what the OpenAPI document says of it follow from the table in `routes.ts`.
 */
import type { Author } from '../core/author.ts';
import type { CheckedVisitor } from './access.ts';
import type { Permission } from './api.ts';
import type { Host } from './host.ts';
import { Refusal } from './failure.ts';
import { problemOf, type Schema, type Schemas } from './schema.ts';

export type Method = 'GET' | 'POST' | 'PUT';

/** What a handler is called with: everything has been checked. */
export interface Call<Parameters = unknown, Body = unknown> {
  readonly host: Host;
  readonly visitor: CheckedVisitor;
  readonly request: Request;
  /** Those of the path and those of the query. */
  readonly parameters: Parameters;
  readonly body: Body;
}

export interface Route {
  readonly method: Method;
  /** Relative to where the dashboard is mounted; `:id` and the like are parameters. */
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  /** All of these are needed; `change` stands for what the body says under that name. */
  readonly needs: readonly (Permission | 'change')[];
  /** Whether somebody may call it who sees one user's tasks only: it then is about those and no others. */
  readonly scoped: boolean;
  /** Those of the path. */
  readonly parameters?: Readonly<Record<string, Schema>>;
  readonly query?: Readonly<Record<string, Schema>>;
  /** The name of its schema. */
  readonly body?: string;
  readonly status: 200 | 201 | 202;
  /** The name of the schema of its answer, or the media type of what is no JSON. */
  readonly answer: string;
  /** Resolves to what is to be answered as JSON, or to a whole response. */
  readonly handle: (call: Call<never, never>) => Promise<unknown>;
}

/** A route that a path leads to, with the parameters that are in the path. */
export interface Match {
  readonly route: Route;
  readonly found: Readonly<Record<string, string>>;
}

/** The routes that `path` leads to, one for each method. Throws a Refusal for an escape that is none. */
export function routesTo(routes: readonly Route[], path: string): readonly Match[] {
  const segments = path.split('/').map(decoded);
  return routes.flatMap((route) => {
    const found = match(route.path.split('/'), segments);
    return found === undefined ? [] : [{ route, found }];
  });
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refusal('BAD_REQUEST', 'the path has an escape that is none');
  }
}

function match(
  pattern: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const found: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith(':')) found[part.slice(1)] = segment;
    else if (part !== segment) return undefined;
  }
  return found;
}

/** The parameters of a request as the route's schemas want them. Throws a Refusal. */
export function readParameters(
  { route, found }: Match,
  search: URLSearchParams,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(route.parameters ?? {}))
    // An id that can be none is as good as one that isn't there.
    values[name] = checked(name, schema, coerced(schema, [found[name] ?? '']), 'NOT_FOUND');
  const query = route.query ?? {};
  for (const name of new Set(search.keys())) {
    const schema = Object.hasOwn(query, name) ? query[name] : undefined;
    if (schema === undefined)
      throw new Refusal('BAD_REQUEST', `the parameter ${name.slice(0, 40)} is not known here`);
    values[name] = checked(name, schema, coerced(schema, search.getAll(name)), 'BAD_REQUEST');
  }
  return values;
}

function checked(name: string, schema: Schema, value: unknown, code: 'NOT_FOUND' | 'BAD_REQUEST'): unknown {
  const problem = problemOf(schema, value, {}, name);
  if (problem !== undefined) throw new Refusal(code, `the parameter ${problem}`);
  return value;
}

/** What texts of a URL stand for; what can't be coerced stays a text, and so is refused. */
function coerced(schema: Schema, texts: readonly string[]): unknown {
  if (schema.type === 'array') return texts.map((text) => coerced(schema.items ?? {}, [text]));
  const [text = ''] = texts;
  if (texts.length > 1) return texts;
  if (schema.type === 'integer' && /^\d{1,16}$/.test(text)) return Number(text);
  if (schema.type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

/** Throws a Refusal unless `body` is what the route takes. */
export function checkBody({ body: name }: Route, body: unknown, schemas: Schemas): void {
  const problem = name === undefined ? undefined : problemOf(schemas[name] ?? {}, body, schemas);
  if (problem !== undefined) throw new Refusal('BAD_REQUEST', `the body is not usable: ${problem}`);
}

/** Who asks for what a call is about, and why, as the history is told. */
export function authorOf({ visitor, body }: Call<unknown, { readonly reason?: string }>): Author {
  return { actor: visitor.user, reason: body.reason };
}

/** What a visitor needs to be allowed to. */
export function needsOf({ needs }: Route, body: unknown): readonly Permission[] {
  return needs.map((need) => (need === 'change' ? (body as { change: Permission }).change : need));
}
