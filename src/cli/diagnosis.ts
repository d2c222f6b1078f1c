/**
 * What may be wrong with a system, looked for one after the other: the program, the way to the database, the tables, the
 * clock, the database's settings, and the tasks and replicas in it. Each finding says what to do.
 */
import type { Database } from '../core/connection.ts';
import { isTaskbatonError } from '../core/errors.ts';
import { openDatabase } from '../database/open.ts';
import { systemClock } from '../runtime/clock.ts';
import { dialectOf } from '../store/dialect.ts';
import {
  databaseTime,
  findDeadReplicas,
  readSettings,
  readStopping,
  type Stopping,
} from '../store/health.ts';
import { readVersion, SCHEMA_VERSION, tablesOf } from '../store/schema.ts';
import { missingFile } from './configuration.ts';
import { count, span } from './screen/time.ts';
import { PROBLEMS } from './view/problem.ts';
import { problemOf, type Session } from './session.ts';

export interface Finding {
  readonly check: string;
  readonly verdict: 'good' | 'warning' | 'error';
  readonly text: string;
  readonly advice?: string | undefined;
}

const OLDEST_NODE = [22, 18] as const;
/** Further apart, and times in logs of both can't be compared. */
const CLOCKS_APART = 5000;
/** So many tasks are named at most. */
const SHOWN = 5;

export async function* diagnose(session: Session): AsyncGenerator<Finding, void, void> {
  yield nodeFinding(session.host.nodeVersion);
  const { options, label } = await session.place();
  const { prefix, schema } = await session.settings();
  const missing = missingFile(options.db, session.host.folder);
  if (missing !== undefined) {
    const advice = 'Check the path, or let it be made: taskbaton migrate';
    return yield { check: 'connection', verdict: 'error', text: `There is no file ${missing}.`, advice };
  }
  let database: Database;
  try {
    database = await openDatabase(options.db, { clock: systemClock });
  } catch (error) {
    return yield connectionFinding(error);
  }
  try {
    const tables = tablesOf(prefix, schema);
    const version = await readVersion(database, database, tables);
    yield { check: 'connection', verdict: 'good', text: `It answers: ${label}` };
    yield* lookAtServer(database, session);
    yield tablesFinding(version, tables.prefix);
    if (version < SCHEMA_VERSION || version > SCHEMA_VERSION + 1) return;
  } catch (error) {
    return yield connectionFinding(error);
  } finally {
    await database.close();
  }
  yield* lookAtSystem(session);
}

function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wanted, least] = OLDEST_NODE;
  const good = major > wanted || (major === wanted && minor >= least);
  return {
    check: 'node',
    verdict: good ? 'good' : 'error',
    text: `This is Node.js ${version}.`,
    advice: good ? undefined : `Use Node.js ${wanted}.${least} or later.`,
  };
}

function connectionFinding(error: unknown): Finding {
  if (!isTaskbatonError(error)) throw error;
  const check = error.code === 'DRIVER_MISSING' ? 'driver' : 'connection';
  const text = problemOf(error);
  return {
    check,
    verdict: 'error',
    text: `${text.charAt(0).toUpperCase()}${text.slice(1)}.`,
    advice: error.remedy,
  };
}

function tablesFinding(version: number, prefix: string): Finding {
  const check = 'tables';
  if (version === 0)
    return {
      check,
      verdict: 'error',
      text: `There are no tables ${prefix}….`,
      advice: 'Check --prefix and --schema, or run: taskbaton migrate',
    };
  if (version < SCHEMA_VERSION)
    return {
      check,
      verdict: 'error',
      text: `They are at version ${version}; ${SCHEMA_VERSION} is needed.`,
      advice: 'Run: taskbaton migrate',
    };
  if (version > SCHEMA_VERSION + 1)
    return {
      check,
      verdict: 'error',
      text: `They are at version ${version}, and this release knows ${SCHEMA_VERSION}.`,
      advice: 'Use the newer release of taskbaton here too.',
    };
  return { check, verdict: 'good', text: `They are at version ${version}.` };
}

async function* lookAtServer(database: Database, { host }: Session): AsyncGenerator<Finding, void, void> {
  const before = host.time();
  const theirs = await databaseTime({ connection: database, dialect: dialectOf(database) });
  const after = host.time();
  const apart = Math.round(theirs - (before + after) / 2);
  const far = Math.abs(apart) > CLOCKS_APART;
  yield {
    check: 'clock',
    verdict: far ? 'warning' : 'good',
    text: `The database's and this machine's are ${span(Math.abs(apart))} apart.`,
    advice: far
      ? 'Only the database’s clock counts, so tasks are safe; but set both by NTP, or logs cannot be compared.'
      : undefined,
  };
  for (const { name, value, verdict, advice } of await readSettings(database, database.dialect)) {
    yield { check: name, verdict, text: value, advice };
  }
}

async function* lookAtSystem(session: Session): AsyncGenerator<Finding, void, void> {
  const baton = await session.baton();
  const { scopes } = await session.store();
  const dead = await findDeadReplicas(scopes);
  const { problems, replicas, slots } = await baton.overview();
  yield {
    check: 'replicas',
    verdict: replicas.length === 0 ? 'warning' : 'good',
    text: `${count(replicas.length, 'replica is', 'replicas are')} alive, with ${slots.used} of ${slots.total} slots in use.`,
    advice: replicas.length === 0 ? 'Nothing runs until a process calls start().' : undefined,
  };
  yield {
    check: 'leases',
    verdict: dead.length === 0 ? 'good' : 'warning',
    text:
      dead.length === 0
        ? 'No replica is dead and still holds tasks.'
        : `Ended: ${dead.map(({ name, ended }) => `${name} ${span(ended)} ago`).join(', ')}.`,
    advice:
      dead.length === 0
        ? undefined
        : 'Any live replica takes their tasks within about a second; if this stays, none is alive.',
  };
  for (const [kind, { check, good, bad, advice }] of Object.entries(PROBLEMS)) {
    // A single look can't tell how long; the history can, below.
    if (kind === 'stopping-too-long') continue;
    const found = problems.filter((problem) => problem.kind === kind);
    if (found.length === 0 && good !== undefined) yield { check, verdict: 'good', text: good };
    for (const problem of found) yield { check, verdict: problem.severity, text: bad(problem), advice };
  }
  yield* lookAtStopping(await readStopping(scopes), (await session.settings()).stopGrace);
}

function* lookAtStopping(stopping: readonly Stopping[], grace: number): Generator<Finding, void, void> {
  const check = 'stopping';
  if (stopping.length === 0) return yield { check, verdict: 'good', text: 'No task is being stopped.' };
  const late = stopping.filter(({ asked }) => asked !== undefined && asked > grace);
  const list = (tasks: readonly Stopping[]): string =>
    tasks
      .slice(0, SHOWN)
      .map(({ id, asked }) => (asked === undefined ? `${id}` : `${id} (asked ${span(asked)} ago)`))
      .join(', ');
  if (late.length > 0)
    return yield {
      check,
      verdict: 'error',
      text: `${count(late.length, 'task has', 'tasks have')} not stopped within ${span(grace)}: ${list(late)}.`,
      advice: 'Let the handler yield more often, or pass its signal to whatever it awaits.',
    };
  const known = stopping.every(({ asked }) => asked !== undefined);
  yield {
    check,
    verdict: known ? 'good' : 'warning',
    text: `${count(stopping.length, 'task is', 'tasks are')} being stopped: ${list(stopping)}.`,
    advice: known
      ? undefined
      : 'Without a history nobody knows since when. If they are here when you look again, their handlers ignore their signal.',
  };
}
