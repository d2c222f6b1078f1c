/**
 * Users, groups and types as things of their own: limited, paused and resumed as a whole, and counted. A pause lets
 * nothing new start; if it is to stop what runs as well, it remembers which tasks it stopped, and resuming brings back
 * those and no others.
 */
import type { Author } from '../core/author.ts';
import type { Connection } from '../core/connection.ts';
import type { ScopeKind, ScopeName } from '../core/limit.ts';
import { STATUS, type Status } from '../core/status.ts';
import type { ScopeCount } from '../core/task.ts';
import { openLanes } from '../queue/lanes.ts';
import { hasStatus } from './at-rest.ts';
import type { Control } from './control.ts';
import type { Dialect } from './dialect.ts';
import { insertEntries } from './entry.ts';
import { ownedBy } from './flow.ts';
import type { Tables } from './schema.ts';
import { applyEvent } from './transition.ts';
import { wordingOf } from './wording.ts';

/** What can be paused as a whole. */
export type PausedKind = Exclude<ScopeKind, 'user/group'>;

interface Context {
  readonly connection: Connection;
  readonly tables: Tables;
  readonly dialect: Dialect;
  readonly control: Control;
}

export const COLUMNS: Readonly<Record<PausedKind, string>> = {
  user: 'task_user',
  group: 'task_group',
  type: 'type',
};

/** At most `most` at once; null for as many as the options say. */
export async function limitScope(
  { control, tables, dialect }: Context,
  scope: ScopeName,
  most: number | null,
  by?: Author,
): Promise<void> {
  await control.rule(scope, { most }, async (connection) => {
    await openLanes({ ...wordingOf(dialect), connection, tables }, [scope]);
    await note({ connection, control, dialect }, 'limit', scope, by, { limit: most });
  });
}

/** Lets nothing of `name` start; with `running`, asks what runs to pause too. Says how many it asked. */
export async function pauseScope(
  { control, tables, dialect }: Context,
  kind: PausedKind,
  name: string,
  { running, by }: { readonly running: boolean; readonly by?: Author | undefined },
): Promise<number> {
  let asked = 0;
  const scope = { kind, name, second: '' };
  await control.rule(scope, { paused: true }, async (connection) => {
    await note({ connection, control, dialect }, 'hold', scope, by);
    if (!running) return;
    asked = await applyEvent(connection, tables.task, control.terms, 'pause', {
      where: { sql: `owner IS NOT NULL AND ${COLUMNS[kind]} = ?`, values: [name] },
      set: { sql: 'paused_by = ?', values: [kind] },
      by,
    });
  });
  return asked;
}

/** Ends a pause, and brings back what it stopped; says how many. */
export async function resumeScope(
  { control, tables, dialect }: Context,
  kind: PausedKind,
  name: string,
  by?: Author,
): Promise<number> {
  const scope: ScopeName = { kind, name, second: '' };
  let resumed = 0;
  await control.rule(scope, { paused: false }, async (connection) => {
    resumed = await applyEvent(connection, tables.task, control.terms, 'run', {
      where: {
        sql: `${hasStatus(dialect, ['paused/pause', 'running/pause']).sql} AND ${COLUMNS[kind]} = ? AND paused_by = ?`,
        values: [name, kind],
      },
      by,
    });
    await openLanes({ ...wordingOf(dialect), connection, tables }, [scope]);
    await note({ connection, control, dialect }, 'release', scope, by);
  });
  return resumed;
}

/** Notes what became of a scope as a whole, in the transaction that has locked it. */
async function note(
  { connection, control, dialect }: Omit<Context, 'tables'>,
  event: 'hold' | 'release' | 'limit',
  { kind, name, second }: ScopeName,
  by: Author | undefined,
  detail?: object,
): Promise<void> {
  const { history } = control.terms;
  if (history === undefined) return;
  const names = {
    type: kind === 'type' ? name : '',
    task_user: kind === 'user' || kind === 'user/group' ? name : '',
    task_group: kind === 'group' ? name : second,
  };
  const entry = { event, scope: kind, ...names, ...by, detail: detail && JSON.stringify(detail) };
  await insertEntries(connection, dialect, history, [entry]);
}

/**
 * Each user, group or type that has tasks or rules, in alphabetical order; for an owner those of its own tasks, of which
 * the shares that others use are no part.
 */
export async function countScopes(
  { connection, tables, dialect, control }: Context,
  kind: PausedKind,
  owner?: string,
): Promise<readonly ScopeCount[]> {
  await control.refresh();
  const column = COLUMNS[kind];
  const own = ownedBy(owner);
  const { rows } = await connection.query(
    `SELECT ${column} AS name, status, COUNT(*) AS tasks,
       MIN(CASE WHEN queue = 'run' THEN created_at END) AS oldest, ${dialect.now} AS at_ms
     FROM ${tables.task} WHERE 1 = 1 ${own.sql} GROUP BY ${column}, status`,
    own.values,
  );
  const shares = await connection.query(
    `SELECT ${column} AS name, used FROM ${tables.lane} WHERE queue = 'run' AND kind = ?${kind === 'user' ? '' : ` AND task_user = ''`}`,
    [kind],
  );
  const used = new Map(shares.rows.map((row) => [String(row['name']), Number(row['used'])]));
  const scopes = new Map<string, { states: Record<string, number>; waiting: number | undefined }>();
  const others = owner === undefined ? control.rules.named(kind) : [];
  for (const name of others) scopes.set(name, { states: {}, waiting: undefined });
  for (const row of rows) {
    const scope = scopes.get(String(row['name'])) ?? { states: {}, waiting: undefined };
    const state = STATUS[row['status'] as Status].shows;
    scope.states[state] = (scope.states[state] ?? 0) + Number(row['tasks']);
    if (row['oldest'] !== null)
      scope.waiting = Math.max(scope.waiting ?? 0, Number(row['at_ms']) - Number(row['oldest']));
    scopes.set(String(row['name']), scope);
  }
  return [...scopes.keys()].toSorted().map((name) => {
    const { states = {}, waiting } = scopes.get(name) ?? {};
    const { limit, paused } = control.rules.describe(kind, name);
    const share = owner === undefined || kind === 'user' ? used.get(name) : undefined;
    return { name, states, limit, paused, oldestWaiting: waiting, used: share };
  });
}
