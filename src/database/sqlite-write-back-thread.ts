/** The thread of `sqlite-write-back.ts`, as a program: it writes a file's log back when it is told to, and says how long the log is. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { WriteBackOrder } from './sqlite-write-back.ts';

const database = new DatabaseSync(workerData as string);
const writeBack = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort?.on('message', (order: WriteBackOrder) => {
  const pages = Number(writeBack.get()?.['log']);
  if (order === 'write back') return parentPort?.postMessage(pages);
  database.close();
  parentPort?.close();
});
