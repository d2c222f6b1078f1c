/**
 * One replica of the demo's service, as a process of its own: it implements the import, runs what it gets, stops
 * gracefully on SIGTERM, and knows nothing of the others.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { implement, Taskbaton } from 'taskbaton';
import { BATCH, importRows, type ReplicaMessage } from './import-rows.ts';
import { demoRows } from './rows.ts';
import { Target } from './target.ts';

const [url = '', prefix = '', letter = ''] = process.argv.slice(2);

/** So that there is something to see: the work that a batch would be if it weren't this small. */
const WORK = 210;
const CLEANUP_WORK = 120;

const data = demoRows();
const target = await Target.open(url, `${prefix}birdstrikes`, data);

const implementation = implement(importRows, {
  onCrash: 'resume',

  // A batch's rows and the checkpoint behind them are one transaction: whenever a replica is killed, the next one goes on
  // right behind the last row that is there.
  async run({ input: { from, to }, context, signal, transaction, task: { id, epoch } }) {
    let row = context?.next ?? from;
    tell({ what: 'begins', queue: 'run', id, epoch, row });
    while (row <= to) {
      await sleep(WORK, undefined, { signal });
      const [first, end] = [row, Math.min(row + BATCH, to + 1)];
      await transaction(async (tx) => {
        await target.insert(tx, first, data.rows.slice(first - 1, end - 1), { task: id, epoch, letter });
        return { context: { next: end }, progress: (end - from) / (to + 1 - from) };
      });
      row = end;
    }
  },

  async *cleanup({ input, signal, task: { id, epoch } }) {
    const total = await target.count(input);
    tell({ what: 'begins', queue: 'cleanup', id, epoch, row: input.from });
    for (let left = total; left > 0;) {
      await sleep(CLEANUP_WORK, undefined, { signal });
      left -= await target.remove(input, BATCH);
      yield { progress: 1 - left / total };
    }
  },
});

const baton = new Taskbaton({
  db: url,
  prefix,
  tasks: [implementation],
  concurrency: 3,
  lease: '2s',
  stopGrace: '2s',
  // So that the dashboard can tell each checkpoint.
  history: { level: 'all', contexts: true },
  logger: null,
});

process.once('SIGTERM', () => void stop());
// Ctrl-C reaches all processes of a terminal; here the main process decides what becomes of us.
process.on('SIGINT', () => undefined);
process.once('disconnect', () => process.exit(1));
try {
  await baton.start();
  tell({ what: 'ready' });
} catch (error) {
  process.stderr.write(`It could not start: ${(error as Error).message}`, () => process.exit(1));
}

async function stop(): Promise<void> {
  await baton.stop();
  await target.close();
  process.exit(0);
}

function tell(message: ReplicaMessage): void {
  process.send?.(message, undefined, undefined, () => undefined);
}
