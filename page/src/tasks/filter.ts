/** Which tasks are listed, as the address says: a link to a list is a link to what was seen. */
import type { BulkRequest, State } from '../../../src/dashboard/api.ts';
import { STATES } from '../parts/state.tsx';

export interface Filter {
  readonly states: readonly State[];
  readonly types: readonly string[];
  readonly user: string | null;
  readonly group: string | null;
  readonly search: string;
  readonly parent: string | null;
  /** The cursor that the page of the list begins behind. */
  readonly after: string | null;
}

export function readFilter(query: URLSearchParams): Filter {
  const asked = query.getAll('state');
  return {
    states: STATES.filter((state) => asked.includes(state)),
    types: query.getAll('type'),
    user: query.get('user'),
    group: query.get('group'),
    search: query.get('search') ?? '',
    parent: query.get('parent'),
    after: query.get('after'),
  };
}

export function writeFilter(filter: Filter): URLSearchParams {
  const query = new URLSearchParams();
  for (const state of filter.states) query.append('state', state);
  for (const type of filter.types) query.append('type', type);
  if (filter.user !== null) query.set('user', filter.user);
  if (filter.group !== null) query.set('group', filter.group);
  if (filter.search !== '') query.set('search', filter.search);
  if (filter.parent !== null) query.set('parent', filter.parent);
  if (filter.after !== null) query.set('after', filter.after);
  return query;
}

/** What the server is asked: those being deleted are shown to who asks for that state. */
export function listQuery(filter: Filter, limit: number): URLSearchParams {
  const query = writeFilter(filter);
  query.set('limit', String(limit));
  if (filter.states.includes('deleting')) query.set('includeDeleting', 'true');
  return query;
}

export function isFiltered(filter: Filter): boolean {
  return writeFilter({ ...filter, after: null }).size > 0;
}

/**
 * What is meant by "all that match"; undefined while searching, since a search looks at so many names only, and doesn't say what
 * else would match.
 */
export function bulkFilter(filter: Filter): Pick<BulkRequest, 'filter' | 'all'> | undefined {
  if (filter.search !== '') return undefined;
  if (!isFiltered(filter)) return { all: true };
  return {
    filter: {
      ...(filter.parent === null ? {} : { parent: Number(filter.parent) }),
      ...(filter.user === null ? {} : { user: filter.user }),
      ...(filter.group === null ? {} : { group: filter.group }),
      ...(filter.types.length === 0 ? {} : { types: [...filter.types] }),
      ...(filter.states.length === 0 ? {} : { states: [...filter.states] }),
    },
  };
}
