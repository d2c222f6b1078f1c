/** A process that migrates a database when it is told to, creates a task, and tells its id: one replica that starts. */
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { Store } from '../../src/store/store.ts';

const [url = '', prefix = ''] = process.argv.slice(2);
const store = new Store(await openDatabase(url, { clock: systemClock }), prefix);

process.once('message', () => void start());
process.send?.('ready');

async function start(): Promise<void> {
  try {
    await store.prepare(true);
    const task = { type: 'started', user: '', group: '', input: null, context: null, autoRun: true };
    process.send?.({ id: await store.create(task) });
  } catch (error) {
    process.send?.({ error: String(error) });
  }
  await store.database.close();
  process.disconnect();
}
