/** The routes about tasks. The handlers are short, since whatever comes in has been checked. */
import type { BulkChange, BulkFilter } from '../core/bulk.ts';
import type { TaskChangeOptions, TaskPage } from '../core/task.ts';
import type {
  BulkRequest,
  BulkResult,
  ChangeRequest,
  Created,
  HistoryPage,
  NewTask,
  State,
  TaskList,
  TaskView,
} from './api.ts';
import { createTask } from './creation.ts';
import { Refusal } from './failure.ts';
import { ageIn } from './recent.ts';
import { authorOf, type Call, type Route } from './route.ts';
import type { Schema } from './schema.ts';
import { CURSOR, ID, NAME, STATE } from './schemas.ts';
import { historyView, taskView } from './views.ts';

const LONGEST_SEARCH = 255;
const LONGEST_PAGE = 200;

interface OfTask {
  readonly id: number;
}

const TASK: Readonly<Record<string, Schema>> = { id: ID };
const PAGE: Schema = { type: 'integer', minimum: 1, maximum: LONGEST_PAGE };

export const TASK_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: 'api/tasks',
    name: 'listTasks',
    summary: 'A page of tasks, the newest first; all parts of the filter must fit.',
    needs: ['read'],
    scoped: true,
    query: {
      user: NAME,
      group: NAME,
      type: { type: 'array', items: NAME, maxItems: 100 },
      state: { type: 'array', items: STATE, maxItems: 20 },
      search: { type: 'string', minLength: 1, maxLength: LONGEST_SEARCH },
      parent: ID,
      limit: PAGE,
      after: ID,
      includeDeleting: { type: 'boolean' },
    },
    status: 200,
    answer: 'TaskList',
    handle: listTasks,
  },
  {
    method: 'POST',
    path: 'api/tasks',
    name: 'createTask',
    summary: 'Creates a task.',
    needs: ['create'],
    scoped: true,
    body: 'NewTask',
    status: 201,
    answer: 'Created',
    handle: async (call: Call<unknown, NewTask>): Promise<Created> => ({ id: await createTask(call) }),
  },
  {
    method: 'POST',
    path: 'api/tasks/bulk',
    name: 'changeTasks',
    summary: 'Changes the tasks that are named, or all that match.',
    needs: ['change'],
    scoped: true,
    body: 'BulkRequest',
    status: 200,
    answer: 'BulkResult',
    handle: changeTasks,
  },
  {
    method: 'GET',
    path: 'api/tasks/:id',
    name: 'getTask',
    summary: 'A task as it is now, also one that is being deleted.',
    needs: ['read'],
    scoped: true,
    parameters: TASK,
    status: 200,
    answer: 'TaskView',
    handle: readTask,
  },
  {
    method: 'GET',
    path: 'api/tasks/:id/history',
    name: 'getHistory',
    summary: 'What happened to it, the oldest first; also after it has gone.',
    needs: ['read'],
    scoped: true,
    parameters: TASK,
    query: { after: CURSOR, limit: PAGE },
    status: 200,
    answer: 'HistoryPage',
    handle: readHistory,
  },
  {
    method: 'POST',
    path: 'api/tasks/:id/run',
    name: 'runTask',
    summary: 'Queues it, resumes it, or runs it again after a failure.',
    needs: ['read', 'run'],
    scoped: true,
    parameters: TASK,
    body: 'ChangeRequest',
    status: 200,
    answer: 'TaskView',
    handle: async (call: Call<OfTask, ChangeRequest>) => {
      await call.host.baton.runTask(call.parameters.id, onBehalf(call));
      return readTask(call);
    },
  },
  {
    method: 'POST',
    path: 'api/tasks/:id/pause',
    name: 'pauseTask',
    summary: 'Stops it where it is, keeping its checkpoint.',
    needs: ['read', 'pause'],
    scoped: true,
    parameters: TASK,
    body: 'ChangeRequest',
    status: 200,
    answer: 'TaskView',
    handle: async (call: Call<OfTask, ChangeRequest>) => {
      await call.host.baton.pauseTask(call.parameters.id, onBehalf(call));
      return readTask(call);
    },
  },
  {
    method: 'POST',
    path: 'api/tasks/:id/move',
    name: 'moveTask',
    summary: 'Moves it to another group.',
    needs: ['read', 'move'],
    scoped: true,
    parameters: TASK,
    body: 'MoveRequest',
    status: 200,
    answer: 'TaskView',
    handle: async (call: Call<OfTask, ChangeRequest & { readonly group: string }>) => {
      await call.host.baton.changeTaskGroup(call.parameters.id, call.body.group, onBehalf(call));
      return readTask(call);
    },
  },
  {
    method: 'POST',
    path: 'api/tasks/:id/delete',
    name: 'deleteTask',
    summary: 'Stops it, deletes its children, runs its cleanup and removes it.',
    needs: ['delete'],
    scoped: true,
    parameters: TASK,
    body: 'ChangeRequest',
    status: 202,
    answer: 'Nothing',
    handle: async (call: Call<OfTask, ChangeRequest>) => {
      await call.host.baton.deleteTask(call.parameters.id, onBehalf(call));
      return {};
    },
  },
];

interface ListQuery {
  readonly user?: string;
  readonly group?: string;
  readonly type?: readonly string[];
  readonly state?: readonly State[];
  readonly search?: string;
  readonly parent?: number;
  readonly limit?: number;
  readonly after?: number;
  readonly includeDeleting?: boolean;
}

async function listTasks({ host, visitor, request, parameters }: Call<ListQuery>): Promise<TaskList> {
  const { type: types, state: states, ...others } = parameters;
  const filter = { ...others, types, states, owner: visitor.owner, redacted: true };
  const read = (): Promise<TaskPage> => host.baton.getTasks(filter);
  const { tasks, next = null } = await host.lists.get(JSON.stringify(filter), ageIn(request.headers), read);
  return { tasks: tasks.map((task) => taskView(task, visitor)), next };
}

async function readTask({ host, visitor, parameters: { id } }: Call<OfTask>): Promise<TaskView> {
  const options = { owner: visitor.owner, redacted: true, includeDeleting: true };
  return taskView(await host.baton.getTask(id, options), visitor);
}

interface HistoryQuery extends OfTask {
  readonly after?: string;
  readonly limit?: number;
}

async function readHistory({ host, visitor, parameters }: Call<HistoryQuery>): Promise<HistoryPage> {
  const { id, ...page } = parameters;
  const { owner } = visitor;
  const { entries, next = null } = await host.baton.history(id, { ...page, owner, redacted: true });
  // Of whom there is nothing to tell is either new to the history or not there.
  if (entries.length === 0) await host.baton.getTask(id, { owner, redacted: true, includeDeleting: true });
  return { entries: entries.map(historyView), next };
}

async function changeTasks(call: Call<unknown, BulkRequest>): Promise<BulkResult> {
  const { baton } = call.host;
  const { change, group } = call.body;
  const [filter, options] = [filterOf(call.body), onBehalf(call)];
  const changes: Readonly<Record<BulkRequest['change'], () => Promise<BulkChange>>> = {
    run: () => baton.runTasks(filter, options),
    pause: () => baton.pauseTasks(filter, options),
    delete: () => baton.deleteTasks(filter, options),
    move: () => baton.changeTasksGroup(filter, group ?? '', options),
  };
  if ((change === 'move') !== (group !== undefined))
    throw new Refusal('BAD_REQUEST', 'the body is not usable: a move, and nothing else, has a group');
  const { changed } = await changes[change]();
  return { changed };
}

function filterOf({ ids, filter, all }: BulkRequest): BulkFilter {
  if ([ids, filter, all].filter((part) => part !== undefined).length !== 1)
    throw new Refusal('BAD_REQUEST', 'the body is not usable: give one of ids, filter and all');
  return ids !== undefined ? { ids } : (filter ?? { all: true });
}

/** On whose behalf something is changed, by whom, and why. */
function onBehalf(call: Call<unknown, { readonly reason?: string }>): TaskChangeOptions {
  return { owner: call.visitor.owner, ...authorOf(call) };
}
