/**
 * `npm run demo`: three replicas import real data into one database while they are paused, moved, stopped and killed, and
 * in the end every row is there once. This process runs nothing itself: it creates, controls, watches and checks.
 *
 *   npm run demo                              on a fresh SQLite file
 *   npm run demo -- --db postgres://…         on PostgreSQL
 *   npm run demo -- --db mysql://…            on MySQL or MariaDB
 *   npm run demo -- --headless                without a dashboard, which otherwise stays until Ctrl-C in a terminal
 */
import { parseArgs } from 'node:util';
import { Taskbaton } from 'taskbaton';
import type { DataSet } from '../support/data-set.ts';
import { isMysql, isPostgres, openPlace, type Place } from '../support/place.ts';
import { Dashboard } from './dashboard.ts';
import { openDisplay } from './display.ts';
import { demoRows } from './rows.ts';
import { playScript } from './script.ts';
import { count, type Display, Stage } from './stage.ts';
import { Target } from './target.ts';
import { type Line, paint } from './terminal.ts';
import { type Check, checkLines, summarize, verify } from './verdict.ts';

const DEADLINE = 60_000;
const TIME_TO_CLEAN_UP = 10_000;
const INTERRUPTED = 130;
const MOST_COLUMNS = 120;

/** Nobody wants to see the end. */
class Interrupted extends Error {}

process.exitCode = await main();

/** The play from the first table to the last check; whatever happens, no process and no table stays behind. */
async function main(): Promise<number> {
  const given = readArguments();
  if (given === undefined) return 2;
  const place = openPlace(given.db);
  const baton = new Taskbaton({ db: place.url, prefix: place.prefix, logger: null });
  const data = demoRows();
  const database = isPostgres(place.url) ? 'PostgreSQL' : isMysql(place.url) ? 'MySQL' : 'SQLite';
  const title = `taskbaton demo · ${count(data.rows.length)} rows of ${data.name} · ${database}`;
  const display = openDisplay(process.stdout);
  const stage = new Stage(title, baton, place, display);
  const calm = endInTime(stage, display);
  let dashboard: Dashboard | undefined;
  try {
    await baton.migrate();
    if (!given.headless) dashboard = await openDashboard(place);
    const code = await perform(stage, baton, place, data);
    calm();
    if (dashboard !== undefined && process.stdout.isTTY) await linger(dashboard);
    return code;
  } catch (error) {
    display.close();
    if (error instanceof Interrupted) return INTERRUPTED;
    console.error(`\n✘ The demo failed. ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  } finally {
    setTimeout(() => process.exit(1), TIME_TO_CLEAN_UP).unref();
    stage.fleet.killAll();
    await dashboard?.close();
    await baton.stop();
    await place.close().catch(() => undefined);
    calm();
  }
}

async function openDashboard(place: Place): Promise<Dashboard> {
  const dashboard = await Dashboard.open(place);
  process.once('exit', () => dashboard.kill());
  console.log(`Dashboard: ${dashboard.link}\n`);
  return dashboard;
}

async function linger(dashboard: Dashboard): Promise<void> {
  console.log('\nThe dashboard shows it all until Ctrl-C.');
  await dashboard.stay();
  console.log();
}

interface Arguments {
  readonly db: string | undefined;
  readonly headless: boolean;
}

function readArguments(): Arguments | undefined {
  try {
    const { values } = parseArgs({
      options: { db: { type: 'string' }, headless: { type: 'boolean', default: false } },
    });
    return { db: values.db, headless: values.headless };
  } catch (error) {
    console.error(
      `${(error as Error).message}\nUsage: npm run demo [-- --headless] [--db sqlite:file.db | postgres://… | mysql://…]`,
    );
    return undefined;
  }
}

/** Ends the play on Ctrl-C, and when it takes too long; however the process ends, its children do and the cursor is back. */
function endInTime(stage: Stage, display: Display): () => void {
  const interrupt = (): void => {
    stage.fail(new Interrupted());
    process.once('SIGINT', () => process.exit(INTERRUPTED));
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt).once('SIGHUP', interrupt);
  // Whoever read our output has gone, as in `npm run demo | head`.
  process.stdout.once('error', interrupt);
  process.once('exit', () => {
    stage.fleet.killAll();
    display.close();
  });
  const timer = setTimeout(() => {
    stage.fail(new Error(`After ${DEADLINE / 1000} s it still waited for ${stage.waitingFor}.`));
  }, DEADLINE);
  return () => {
    clearTimeout(timer);
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt).off('SIGHUP', interrupt);
  };
}

async function perform(stage: Stage, baton: Taskbaton, place: Place, data: DataSet): Promise<number> {
  const target = await Target.open(place.url, `${place.prefix}birdstrikes`, data);
  try {
    await target.create();
    const props = { stage, baton, target, total: data.rows.length };
    const outcome = await stage.play(() => playScript(props));
    const checks = await verify(stage, target, data, outcome);
    const width = Math.min(process.stdout.columns ?? MOST_COLUMNS, MOST_COLUMNS) - 1;
    return report([[], ...(await summarize(stage, target, width)), [], ...checkLines(checks, width)], checks);
  } finally {
    await target.close().catch(() => undefined);
  }
}

function report(lines: readonly Line[], checks: readonly Check[]): number {
  for (const line of lines) console.log(paint(line));
  const failed = checks.filter(({ holds }) => !holds).length;
  console.log(failed === 0 ? '\nAll checks passed.' : `\n${failed} of ${checks.length} checks failed.`);
  return failed === 0 ? 0 : 1;
}
