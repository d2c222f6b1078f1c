/**
 * From whatever a user gives as `db` to a `Database`. Handles are told apart by what they can do, never by
 * `instanceof`: there may be several copies of a driver, and none of them is imported before it is needed.
 */
import { fileURLToPath } from 'node:url';
import type { Address, Database } from '../core/connection.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { mysql, type MysqlPool, openMysqlAt } from './mysql.ts';
import { openPostgresAt, type PgPool, postgres, type PostgresJs } from './postgres.ts';
import type { AddressContext, DatabaseContext, DatabaseSource } from './source.ts';
import { sqlite, type SqliteHandle } from './sqlite.ts';

export type { DatabaseContext } from './source.ts';

/** Opens `handle`. It may be an open `Database` too, which is returned as it is. */
export async function openDatabase(handle: unknown, context: DatabaseContext): Promise<Database> {
  if (isDatabase(handle)) return handle;
  const source = isSource(handle) ? handle : sourceOf(handle);
  if (source === undefined) throw new TaskbatonError('UNKNOWN_DATABASE', { value: describe(handle) });
  return source.openDatabase(context);
}

/** Opens for this thread, with one connection, what another one of this process has opened. */
export function openAddress(address: Address, context: AddressContext): Promise<Database> {
  if (address.driver === 'sqlite')
    return sqlite(address.target, { patience: context.timeout }).openDatabase(context);
  return address.driver === 'mysql2' ? openMysqlAt(address, context) : openPostgresAt(address, context);
}

function sourceOf(handle: unknown): DatabaseSource | undefined {
  if (typeof handle === 'string') return sourceOfUrl(handle);
  if (isPgPool(handle)) return postgres(handle);
  if (isMysqlPool(handle)) return mysql(handle);
  if (isPostgresJs(handle)) return postgres(handle);
  if (isSqlite(handle)) return sqlite(handle);
  return undefined;
}

function sourceOfUrl(url: string): DatabaseSource | undefined {
  if (/^postgres(ql)?:\/\//.test(url)) return URL.canParse(url) ? postgres(url) : undefined;
  if (/^(mysql|mariadb):\/\//.test(url)) return URL.canParse(url) ? mysql(url) : undefined;
  if (url.startsWith('file:///')) return URL.canParse(url) ? sqlite(fileURLToPath(url)) : undefined;
  const path = /^(?:sqlite|file):(?:\/\/)?([^?#]+)$/.exec(url)?.[1];
  return path === undefined ? undefined : sqlite(path);
}

function isDatabase(handle: unknown): handle is Database {
  return (
    typeof propertiesOf(handle)['dialect'] === 'string' &&
    can(handle, 'query', 'transaction', 'listen', 'notify', 'close')
  );
}

function isSource(handle: unknown): handle is DatabaseSource {
  return can(handle, 'openDatabase');
}

function isMysqlPool(handle: unknown): handle is MysqlPool {
  return can(handle, 'getConnection', 'query', 'execute', 'end');
}

/** mysql2 has `connect` and `query` as well, and `execute`. */
function isPgPool(handle: unknown): handle is PgPool {
  return can(handle, 'connect', 'query', 'end', 'on') && !can(handle, 'execute') && !isPgClient(handle);
}

function isPgClient(handle: unknown): boolean {
  return (
    can(handle, 'connect', 'query') &&
    ('connectionParameters' in propertiesOf(handle) || can(handle, 'release'))
  );
}

function isPostgresJs(handle: unknown): handle is PostgresJs {
  return typeof handle === 'function' && can(handle, 'unsafe', 'begin', 'listen');
}

/** Without asking whether a transaction is open, which a closed database answers by throwing. */
function isSqlite(handle: unknown): handle is SqliteHandle {
  const properties = propertiesOf(handle);
  return (
    can(handle, 'prepare', 'exec', 'close') &&
    ('isTransaction' in properties || 'inTransaction' in properties)
  );
}

function can(handle: unknown, ...methods: readonly string[]): boolean {
  const properties = propertiesOf(handle);
  return methods.every((method) => typeof properties[method] === 'function');
}

/** `handle` itself if it can have properties. */
function propertiesOf(handle: unknown): Readonly<Record<string, unknown>> {
  return Object(handle) as Record<string, unknown>;
}

/** What was given, without its secrets: of a URL the scheme, of an object the names of its properties. */
function describe(handle: unknown): string {
  if (isPgClient(handle))
    return 'one pg Client, and a Pool is needed, since transactions must not share a connection';
  if (typeof handle === 'string') return describeText(handle);
  if (typeof handle !== 'object' || handle === null) return show(handle);
  const name: unknown = handle.constructor?.name;
  const keys = Object.keys(handle).slice(0, 8).join(', ');
  return name === 'Object'
    ? `an object with ${keys === '' ? 'nothing in it' : keys}`
    : `an object of class ${String(name)}`;
}

function describeText(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(text)?.[0];
  if (/[@=]|:\/\//.test(text)) return scheme === undefined ? 'a text that is not a URL' : `a URL ${scheme}…`;
  return show(text);
}
