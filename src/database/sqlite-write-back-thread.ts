/** The thread of `sqlite-write-back.ts`, as a program: it writes a file's log back when it is told to. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { WriteBackOrder } from './sqlite-write-back.ts';

/** In pages. A log that somebody always adds to is never begun anew by itself: writers are kept out for a moment then. */
const LONG = 3000;
/** For so many milliseconds they are waited for. */
const PATIENCE = 20;

const database = new DatabaseSync(workerData as string, { timeout: PATIENCE });

parentPort?.on('message', (order: WriteBackOrder) => {
  const pages = writeBack('PASSIVE');
  if (order === 'close') {
    database.close();
    parentPort?.close();
    return;
  }
  if (pages > LONG) writeBack('RESTART');
  parentPort?.postMessage('done');
});

/** How long the log is; what somebody else is in the way of is left to the next time. */
function writeBack(mode: 'PASSIVE' | 'RESTART'): number {
  return Number(database.prepare(`PRAGMA wal_checkpoint(${mode})`).get()?.['log']);
}
