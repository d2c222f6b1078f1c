/**
 * Where the tasks are, and what is known of them: from the command line, the environment and `taskbaton.config.ts`, in
 * this order. Node itself takes the types out of the file, so nothing has to be built or installed.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageFrom, show } from '../core/errors.ts';
import type { TaskbatonOptions } from '../core/options.ts';
import { CommandError } from './exit.ts';
import type { Host } from './host.ts';
import { COMMON } from './options.ts';

/** What a configuration exports by default: the options of the service's own `new Taskbaton({ … })`, or some of them. */
export type Configuration = Partial<TaskbatonOptions>;

const FILES = ['ts', 'mts', 'js', 'mjs'].map((ending) => `taskbaton.config.${ending}`);

/** The options of the instance that a command works with, and what is said of them to people. */
export interface Place {
  readonly options: TaskbatonOptions;
  /** Without its password. */
  readonly label: string;
  /** The file that it was read from, if there was one. */
  readonly file: string | undefined;
}

type Names = 'db' | 'prefix' | 'schema' | 'config';

/** Throws CommandError where the configuration cannot be read. Whether a database is named is left to who needs one. */
export async function findPlace(options: ReadonlyMap<string, readonly string[]>, host: Host): Promise<Place> {
  const given = (name: Names): string | undefined => {
    const value = options.get(name)?.at(-1) ?? host.environment[COMMON[name].environment];
    return value === '' ? undefined : value;
  };
  const file = configurationFile(given('config'), host.folder);
  const configured = file === undefined ? {} : await readConfiguration(file);
  const db: unknown = given('db') ?? configured.db;
  const [prefix, schema] = [given('prefix') ?? configured.prefix, given('schema') ?? configured.schema];
  // Tables are made by `taskbaton migrate` alone, and what happens is told by us.
  const ours = { db, prefix, schema, migrate: false, logger: null };
  return { options: { ...configured, ...ours }, label: labelOf(db), file };
}

function configurationFile(given: string | undefined, folder: string): string | undefined {
  if (given === undefined) return FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
  const path = resolve(folder, given);
  if (existsSync(path)) return path;
  throw new CommandError(
    'usage',
    `there is no file ${given}`,
    'Correct --config; it is a path from this folder.',
  );
}

async function readConfiguration(path: string): Promise<Configuration> {
  const refuse = (problem: string, cause?: unknown): never => {
    const remedy =
      "Let it end with: export default { db: 'sqlite:tasks.db', … }, the options of new Taskbaton.";
    throw new CommandError('usage', `${path} ${problem}`, remedy, { cause });
  };
  const found = (await import(pathToFileURL(path).href).catch((error: unknown) =>
    refuse(`cannot be loaded: ${messageFrom(error)}`, error),
  )) as { readonly default?: unknown };
  if (typeof found.default !== 'object' || found.default === null)
    return refuse(`exports ${show(found.default)} by default, not an object`);
  return found.default;
}

/** What is said of a database: where it is and who connects, and never by which password. */
export function labelOf(db: unknown): string {
  if (typeof db !== 'string') return 'the database of the configuration';
  if (!/^(postgres(ql)?|mysql|mariadb):\/\//.test(db) || !URL.canParse(db)) {
    return /[@?]/.test(db) ? `${/^[a-z]+:/.exec(db)?.[0] ?? ''}…` : db;
  }
  const { protocol, username, host, pathname } = new URL(db);
  return `${protocol}//${username === '' ? '' : `${username}@`}${host}${pathname}`;
}

/** Throws CommandError unless a database is named. */
export function checkNamed({ options }: Place): void {
  if (options.db !== undefined) return;
  const remedy =
    'Say --db sqlite:tasks.db (or postgres://…, mysql://…), set TASKBATON_DB, or write a taskbaton.config.ts.';
  throw new CommandError('usage', 'no database is named', remedy);
}

/** What of a database must never be printed, in all ways it may be written. */
export function secretsOf(db: unknown): readonly string[] {
  if (typeof db !== 'string' || !URL.canParse(db)) return [];
  const { password, searchParams } = new URL(db);
  const texts = [
    password,
    ...Array.from(searchParams, ([name, value]) => (/pass|secret|key/i.test(name) ? value : '')),
  ];
  return texts.filter((text) => text !== '').flatMap((text) => [...new Set([text, decoded(text)])]);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The file of a `sqlite:` URL that isn't there; undefined for everything else. */
export function missingFile(db: unknown, folder: string): string | undefined {
  const path = typeof db === 'string' ? /^(?:sqlite|file):(?:\/\/)?([^?#]+)$/.exec(db)?.[1] : undefined;
  return path === undefined || path === ':memory:' || existsSync(resolve(folder, path)) ? undefined : path;
}
