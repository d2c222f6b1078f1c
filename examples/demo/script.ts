/**
 * The play: what the main process does to the running import, step by step. Each step waits for facts, never for time.
 */
import type { Taskbaton } from 'taskbaton';
import type { Member } from './fleet.ts';
import type { Range } from './import-rows.ts';
import { count, type Part, type Stage } from './stage.ts';
import type { Target } from './target.ts';

const PARTS = 8;
const REPLICAS = 3;
const USERS = ['ada', 'grace', 'linus'];

/** A task that went from one replica to another. */
export interface Passed {
  readonly part: Part;
  /** The epoch it left it in. */
  readonly epoch: number;
}

/** What was done and seen, for the checks at the end. */
export interface Outcome {
  readonly paused: { readonly part: Part; readonly row: number; readonly rowLater: number };
  readonly moved: { readonly part: Part; readonly epochKept: boolean };
  readonly deleted: { readonly part: Part; readonly rows: number; readonly rowsLeft: number };
  readonly stopped: { readonly member: Member; readonly tasks: readonly Passed[] };
  readonly killed: { readonly member: Member; readonly tasks: readonly Passed[] };
}

/** Everything the script works with. */
export interface Props {
  readonly stage: Stage;
  readonly baton: Taskbaton;
  readonly target: Target;
  readonly total: number;
}

export async function playScript(props: Props): Promise<Outcome> {
  const { stage } = props;
  await begin(props);
  const resume = await pauseOne(props, at(stage, 1));
  const moved = await moveOne(props, at(stage, 2));
  const deleted = await deleteOne(props, at(stage, 4));
  const paused = await resume();
  await hasDone(stage, at(stage, 0), 0.35);
  const stopped = await stopReplica(props);
  await hasDone(stage, at(stage, 0), 0.5);
  const killed = await killReplica(props);
  await stage.until('all tasks to be finished', () =>
    stage.parts.every(({ gone, task }) => gone || task.state === 'finished'),
  );
  await stage.fleet.stopAll();
  await stage.look();
  return { paused, moved, deleted, stopped, killed };
}

async function begin({ stage, total }: Props): Promise<void> {
  for (const [index, range] of split(total, PARTS).entries()) {
    await stage.add(range, USERS[index % USERS.length] ?? '');
  }
  stage.log('start', `${PARTS} tasks are created; nobody is there to run them yet`);
  await Promise.all(Array.from({ length: REPLICAS }, () => launch(stage)));
  await stage.until('each replica to run something', () =>
    stage.fleet.members.every((member) => stage.runBy(member).length > 0),
  );
}

async function launch(stage: Stage): Promise<void> {
  const member = await stage.fleet.launch();
  stage.log('start', `replica ${member.letter} starts, process ${member.process.pid}`);
}

/** Pauses it; what is returned resumes it. */
async function pauseOne({ stage, baton }: Props, part: Part): Promise<() => Promise<Outcome['paused']>> {
  const { id, story } = part;
  await hasDone(stage, part, 0.08);
  await baton.pauseTask(id, { actor: part.task.user, reason: 'to have a look' });
  await stage.until(`task ${id} to be paused`, () => part.task.state === 'paused');
  const row = nextRow(part);
  stage.log('pause', `${part.task.user} pauses task ${id}: it stands still at row ${count(row)}`);
  return async () => {
    const rowLater = nextRow(part);
    await baton.runTask(id, { actor: part.task.user, reason: 'looked at' });
    story.push('paused, resumed');
    stage.log('run', `${part.task.user} resumes task ${id}`);
    return { part, row, rowLater };
  };
}

async function moveOne({ stage, baton }: Props, part: Part): Promise<Outcome['moved']> {
  const { id, story } = part;
  await hasDone(stage, part, 0.14);
  const { epoch } = part.task;
  await baton.changeTaskGroup(id, 'night', { actor: part.task.user, reason: 'it can wait' });
  await stage.until(`task ${id} to be in its new group`, () => part.task.group === 'night');
  story.push('moved to night');
  stage.log('move', `task ${id} moves from group day to night, and runs on`);
  return { part, epochKept: part.task.epoch === epoch };
}

async function deleteOne({ stage, baton, target }: Props, part: Part): Promise<Outcome['deleted']> {
  const { id, range, story } = part;
  await hasDone(stage, part, 0.2);
  const rows = nextRow(part) - range.from;
  await baton.deleteTask(id, { actor: part.task.user, reason: 'the wrong rows' });
  stage.log('delete', `${part.task.user} deletes task ${id}, which has imported ${count(rows)} rows`);
  await stage.until(`task ${id} to be gone`, () => part.gone);
  const rowsLeft = await target.count(range);
  story.push('deleted, rows removed');
  stage.log('delete', `task ${id} is gone, and ${count(rowsLeft)} of its rows are left`);
  return { part, rows, rowsLeft };
}

async function stopReplica({ stage }: Props): Promise<Outcome['stopped']> {
  const member = await stage.until('a busy replica to stop', () => busiest(stage));
  const parts = stage.runBy(member);
  stage.log('stop', `replica ${member.letter} is stopped (SIGTERM) while it runs ${list(parts)}`);
  const epochs = new Map(parts.map((part) => [part, part.task.epoch]));
  await stage.fleet.stop(member);
  await stage.look();
  const tasks = parts
    .filter(({ task }) => task.state === 'running')
    .map((part) => ({ part, epoch: epochs.get(part) ?? 0 }));
  stage.log(
    'stop',
    `replica ${member.letter} has ended; handed over: ${list(tasks.map(({ part }) => part))}`,
  );
  await launch(stage);
  await goneOn(stage, tasks, member);
  for (const { part } of tasks) part.story.push('handed over');
  return { member, tasks };
}

async function killReplica({ stage }: Props): Promise<Outcome['killed']> {
  const member = await stage.until('a busy replica to kill', () => busiest(stage));
  const parts = stage.runBy(member);
  stage.log('kill', `replica ${member.letter} is killed (SIGKILL) while it runs ${list(parts)}`);
  const epochs = new Map(parts.map((part) => [part, part.task.epoch]));
  await stage.fleet.kill(member);
  const died = stage.seconds;
  await stage.look();
  const tasks = parts
    .filter(({ task }) => task.state === 'running')
    .map((part) => ({ part, epoch: epochs.get(part) ?? 0 }));
  await launch(stage);
  await goneOn(stage, tasks, member);
  stage.log('kill', `${list(parts)} resumed elsewhere ${(stage.seconds - died).toFixed(1)} s after the kill`);
  for (const { part } of tasks) part.story.push('killed, resumed');
  return { member, tasks };
}

/** The replica, of the first three, whose tasks have begun and have the most work before them. */
function busiest(stage: Stage): Member | undefined {
  const work = (member: Member): number =>
    stage
      .runBy(member)
      .map(({ task }) => task.progress ?? 0)
      .reduce((sum, progress) => sum + (progress > 0 ? 1 - progress : 0), 0);
  return stage.fleet.members
    .slice(0, REPLICAS)
    .filter((member) => member.state === 'alive' && work(member) > 0)
    .toSorted((one, other) => work(other) - work(one))[0];
}

/** Waits until each of the tasks was begun by another replica. */
async function goneOn(stage: Stage, tasks: readonly Passed[], left: Member): Promise<void> {
  await stage.until(`${list(tasks.map(({ part }) => part))} to go on without ${left.letter}`, () =>
    tasks.every(({ part, epoch }) =>
      part.beginnings.some((beginning) => beginning.epoch > epoch && beginning.letter !== left.letter),
    ),
  );
}

async function hasDone(stage: Stage, part: Part, progress: number): Promise<void> {
  await stage.until(
    `task ${part.id} to have done ${progress * 100} %`,
    () => part.task.state === 'running' && (part.task.progress ?? 0) >= progress,
  );
}

function at(stage: Stage, index: number): Part {
  const part = stage.parts[index];
  if (part === undefined) throw new Error(`there is no part ${index}`);
  return part;
}

function nextRow({ task, range }: Part): number {
  return task.context?.next ?? range.from;
}

function split(total: number, parts: number): Range[] {
  const size = Math.ceil(total / parts);
  return Array.from({ length: parts }, (_, index) => ({
    from: index * size + 1,
    to: Math.min((index + 1) * size, total),
  }));
}

function list(parts: readonly Part[]): string {
  if (parts.length === 0) return 'no task';
  const ids = new Intl.ListFormat('en-GB').format(parts.map(({ id }) => `${id}`));
  return `task${parts.length === 1 ? '' : 's'} ${ids}`;
}
