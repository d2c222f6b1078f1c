/** The OpenAPI 3.1 document, made from the same table that requests are routed by. */
import { RELEASE } from '../core/release.ts';
import type { Route } from './route.ts';
import { ref, type Schema, type Schemas } from './schema.ts';

/** What may be answered instead, wherever it makes sense. */
const FAILURES: Readonly<Record<string, string>> = {
  '400': 'Something about the request is wrong.',
  '401': 'Nobody is known by this request.',
  '403': 'This is not permitted, or comes from another site.',
  '404': 'There is no such thing, or none of yours.',
  '409': 'It can not be done in the state that things are in.',
  '413': 'The body is too large.',
  '415': 'The body is not said to be JSON.',
  '503': 'The database does not answer, or too many streams are open.',
};

export function openApi(routes: readonly Route[], schemas: Schemas): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = `/${route.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'taskbaton',
      version: RELEASE,
      description: 'Paths are relative to where the dashboard is mounted.',
    },
    servers: [{ url: '..' }],
    paths,
    components: { schemas },
  };
}

function operationOf({
  name,
  summary,
  needs,
  parameters = {},
  query = {},
  body,
  status,
  answer,
}: Route): object {
  const inPath = Object.entries(parameters).map(([part, schema]) => ({
    name: part,
    in: 'path',
    required: true,
    schema,
  }));
  const inQuery = Object.entries(query).map(([part, schema]) => ({ name: part, in: 'query', schema }));
  return {
    operationId: name,
    summary,
    'x-needs': needs,
    parameters: [...inPath, ...inQuery],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: ref(body) } } } }),
    responses: {
      [String(status)]: { description: summary, content: contentOf(answer) },
      ...Object.fromEntries(
        Object.entries(FAILURES).map(([code, description]) => [code, failure(description)]),
      ),
    },
  };
}

function contentOf(answer: string): Readonly<Record<string, { readonly schema: Schema }>> {
  if (answer === 'application/json') return { [answer]: { schema: { type: 'object' } } };
  if (answer.includes('/')) return { [answer]: { schema: { type: 'string' } } };
  return { 'application/json': { schema: ref(answer) } };
}

function failure(description: string): object {
  return { description, content: { 'application/json': { schema: ref('Failure') } } };
}
