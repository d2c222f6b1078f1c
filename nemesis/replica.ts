/**
 * One replica as a process of its own. It writes its part of the ledger, notices when its event loop stood still, freezes when
 * it is told to, and goes in order at SIGTERM, as a service would.
 */
import { Taskbaton } from '../src/index.ts';
import { LedgerFile, monotonic } from './ledger.ts';
import { GROUP_LIMIT, LIMITED_GROUP, STOP_GRACE, tasksOf } from './tasks.ts';

export interface Assignment {
  readonly url: string;
  readonly prefix: string;
  readonly process: string;
  readonly ledger: string;
  readonly table: string;
  readonly lease: number;
  readonly pollInterval: number;
  readonly concurrency: number;
}

const given = JSON.parse(process.argv[2] ?? '') as Assignment;
const ledger = new LedgerFile(given.ledger, given.process);
const tell = (
  what: 'started' | 'stood still' | 'stumbled',
  more: { since?: number; why?: string } = {},
): void => ledger.write({ kind: 'process', what, process: given.process, ...more });

const LOOK_EVERY = 50;
/** A pause that is shorter delays nobody by much. */
const STANDSTILL = 250;
let looked = monotonic();
setInterval(() => {
  const since = looked;
  looked = monotonic();
  if (looked - since > STANDSTILL) tell('stood still', { since });
}, LOOK_EVERY).unref();

for (const trouble of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(trouble, (error: unknown) => {
    tell('stumbled', { why: error instanceof Error ? `${error.stack}` : String(error) });
    process.exit(70);
  });
}

const baton = new Taskbaton({
  db: given.url,
  prefix: given.prefix,
  tasks: tasksOf(ledger, given.process, given.table),
  lease: given.lease,
  pollInterval: given.pollInterval,
  concurrency: given.concurrency,
  cleanupConcurrency: given.concurrency,
  stopGrace: STOP_GRACE,
  limits: { group: { [LIMITED_GROUP]: GROUP_LIMIT } },
  logger: null,
  migrate: false,
});

process.on('message', (message) => {
  // Between two statements, or the file of a SQLite would stay locked for all.
  if (message === 'freeze') process.kill(process.pid, 'SIGSTOP');
});
process.on('disconnect', () => process.exit());
process.once('SIGTERM', () => void baton.stop().then(() => process.exit()));

for (let started = false; !started;) {
  started = await baton.start().then(
    () => true,
    () => false,
  );
}
tell('started');
