/** taskbaton, by its public API alone. */
import { type Handler, defineTask, finished, type HistoryLevel, Taskbaton, typed } from 'taskbaton';
import type { Handle, OpenContestant, Payload } from '../contestant.ts';

/** As much at once as pays; `default` leaves all the rest as it is. */
const CONCURRENCY = 1000;
const DEFAULT_CONCURRENCY = 100;

const LEVELS: readonly string[] = ['off', 'changes', 'all'] satisfies readonly HistoryLevel[];

export const open: OpenContestant = (db, setting) => ({
  async setUp() {
    const baton = new Taskbaton({ db, logger: null });
    await baton.getTasks();
    await baton.stop();
  },
  async produce() {
    const baton = new Taskbaton({ db, logger: null, history: historyOf(setting) });
    const task = noop(async () => undefined, setting);
    return {
      create: (input) => baton.createTask(task, input),
      createMany: (inputs) => baton.createTasks(inputs.map((input) => ({ task, input }))),
      close: () => baton.stop(),
    };
  },
  async work(handle) {
    const concurrency = setting === 'default' ? DEFAULT_CONCURRENCY : CONCURRENCY;
    const history = historyOf(setting);
    const baton = new Taskbaton({ db, tasks: [noop(handle, setting)], concurrency, logger: null, history });
    await baton.start();
    return { stop: () => baton.stop() };
  },
});

/** None unless it is asked for, as the others have none; by default there is one. */
function historyOf(setting: string): HistoryLevel | undefined {
  if (setting === 'default') return undefined;
  return LEVELS.includes(setting) ? (setting as HistoryLevel) : 'off';
}

function noop(handle: Handle, setting: string): ReturnType<typeof defineTask<Payload, Payload, object>> {
  const run: Handler<Payload, object> = async ({ input, report }) => {
    await handle(input, (_step, context) => report({ context }));
    return setting === 'remove' ? finished({ remove: true }) : undefined;
  };
  return defineTask({ type: 'noop', input: typed<Payload>(), context: typed<object>(), run });
}
