/**
 * A rolling deploy: the old release stops in the middle of a task, the new one brings its context up to date and goes on,
 * and tasks of a version that nobody alive can read are left alone and listed.
 *
 *   node examples/versions.ts [sqlite:tasks.db | postgres://… | mysql://…]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { declareTask, implement, Taskbaton, typed } from 'taskbaton';
import { runExample, until } from './support/example.ts';

const SECONDS = 40;
const first = implement(declareTask({ type: 'transcode', context: typed<{ seconds: number }>() }), {
  async *run({ context, signal }) {
    for (let seconds = context?.seconds ?? 0; seconds < SECONDS; seconds++) {
      await sleep(20, undefined, { signal });
      yield { context: { seconds: seconds + 1 } };
    }
  },
});

const contract = declareTask({ type: 'transcode', version: 2, context: typed<{ frames: number }>() });
const second = implement(contract, {
  upgrade: (context: { seconds: number }) => ({ frames: context.seconds * 25 }),
  async *run({ context }) {
    for (let frames = context?.frames ?? 0; frames < SECONDS * 25; frames += 25)
      yield { context: { frames: frames + 25 } };
  },
});

await runExample(async ({ database, say, check }) => {
  const old = new Taskbaton({ ...database, tasks: [first], lease: 1000 });
  await old.start();
  const id = await old.createTask(first, undefined);
  await until(async () => ((await old.getTask(id, { as: first })).context?.seconds ?? 0) > 5);
  const future = await old.createTask(contract, undefined);
  const [unread] = await old.versions();
  check(`nobody runs version ${unread?.version} yet`, unread?.version === 2 && unread.replicas === 0);

  await old.stop();
  const young = new Taskbaton({ ...database, tasks: [second], lease: 1000 });
  const { context, version } = await young.getTask(id);
  say(`version ${version} left ${JSON.stringify(context)}`);
  await young.start();
  const done = await young.taskDone(id, { as: second });
  check(
    `version ${done.version} has finished it: ${JSON.stringify(done.context)}`,
    done.context?.frames === 1000,
  );
  check('and the one that waited for it', (await young.taskDone(future)).version === 2);
  await young.stop();
});
