/** From what a user hands in to a task that can be stored: everything is checked, and nothing is written yet. */
import { checkAuthor } from '../core/author.ts';
import type { NewChild } from '../core/children.ts';
import type { Connection } from '../core/connection.ts';
import type { TaskDeclaration } from '../core/declaration.ts';
import { isTaskbatonError, show, TaskbatonError } from '../core/errors.ts';
import { encodeJson } from '../core/json.ts';
import { checkName, checkParts, checkType } from '../core/name.ts';
import { checkRetry, checkTimeLimits } from '../core/retry.ts';
import { validate } from '../core/schema.ts';
import { isVersion } from '../core/version.ts';
import {
  checkId,
  checkKey,
  CHANGE_PARTS,
  checkPriority,
  checkWhen,
  type CreateOptions,
  type NewTaskItem,
} from '../core/task.ts';
import type { Claim, NewTask } from '../store/record.ts';
import type { Store } from '../store/store.ts';
import type { Registry } from './registry.ts';
import { encodeContext } from './report.ts';
import { storeIn } from './transaction.ts';
import type { Tracing } from './tracing.ts';

interface Context {
  readonly registry: Registry;
  /** Bytes of JSON. */
  readonly maxPayload: number;
  readonly tracing: Tracing;
}

const OPTIONS: readonly string[] = [
  'user',
  'group',
  'priority',
  'autoRun',
  'context',
  'delay',
  'runAt',
  'retry',
  'timeout',
  'key',
  'replace',
  'parent',
  ...CHANGE_PARTS,
];

/** Throws INVALID_ARGUMENT, INVALID_INPUT, INVALID_CONTEXT, UNKNOWN_TYPE, NOT_JSON or PAYLOAD_TOO_LARGE. */
export async function newTask<Given, Input, First>(
  { registry, maxPayload, tracing }: Context,
  declaration: TaskDeclaration<Given, Input, First>,
  input: Given,
  options: CreateOptions<First>,
): Promise<NewTask> {
  const { type, version, input: schema, context: contextSchema } = declarationOf(registry, declaration);
  if (version !== undefined && !isVersion(version))
    refuse('version', version, 'it must be a whole number from 1 to 1000000');
  checkParts('options', options, OPTIONS);
  const { user = '', group = '', priority = 0, context, retry, timeout, parent } = options;
  if (parent !== undefined) checkId(parent, 'parent');
  checkName('user', user);
  checkName('group', group);
  checkPriority(priority);
  checkRetry(retry, refuse, false);
  checkTimeLimits(timeout, refuse);
  const start = checkStart(options);
  const validated = validate(schema, input, 'INVALID_INPUT', type);
  if (validated instanceof Promise) await validated;
  if (context !== undefined) await validate(contextSchema, context, 'INVALID_CONTEXT', type);
  const policy = retry === undefined && timeout === undefined ? null : JSON.stringify({ retry, timeout });
  return {
    type,
    version,
    user,
    group,
    priority,
    parent,
    ...start,
    by: checkAuthor(options),
    input:
      input === undefined
        ? null
        : encodeJson(input, () => `the input of a task of type ${show(type)}`, maxPayload),
    context: encodeContext(context, type, maxPayload),
    options: tracing.created({ type, user, group }, policy),
  };
}

/** Throws INVALID_ITEM, which names the item and has what is wrong with it as its cause. */
export async function newTasks(context: Context, items: readonly NewTaskItem[]): Promise<readonly NewTask[]> {
  if (!Array.isArray(items)) refuse('items', items, 'it must be an array of { task, input, … }');
  const tasks: NewTask[] = [];
  for (const [index, item] of items.entries()) {
    try {
      if (typeof item !== 'object' || item === null) refuse('item', item, 'it must be { task, input, … }');
      const { task, input, ...options } = item as Omit<NewTaskItem, 'input'> & { readonly input?: unknown };
      tasks.push(await newTask<unknown, unknown, unknown>(context, task, input, options));
    } catch (cause) {
      if (!isTaskbatonError(cause)) throw cause;
      throw invalidItem(index, cause);
    }
  }
  return tasks;
}

/** Creates all or none. Throws INVALID_ITEM for one whose parent isn't there. */
export async function createAll(store: Store, tasks: readonly NewTask[]): Promise<readonly number[]> {
  try {
    return await store.createMany(tasks);
  } catch (cause) {
    if (!isTaskbatonError(cause, 'TASK_NOT_FOUND')) throw cause;
    throw invalidItem(
      tasks.findIndex(({ parent }) => parent === cause.details['id']),
      cause,
    );
  }
}

function invalidItem(index: number, cause: TaskbatonError): TaskbatonError {
  const problem = cause.message.slice(0, -cause.remedy.length - '. '.length);
  return new TaskbatonError('INVALID_ITEM', { index, problem }, { cause });
}

/** Creates children in a transaction of ours, for their parent's user and group unless they say otherwise. */
export async function createChildren(
  { store, ...context }: Context & { readonly store: Store },
  { id: parent, user, group }: Pick<Claim, 'id' | 'user' | 'group'>,
  items: readonly NewChild[],
  tx: Connection,
): Promise<readonly number[]> {
  const given = Array.isArray(items)
    ? items.map((item) => ({ user, group, ...item, parent }) as NewTaskItem)
    : items;
  const tasks = await newTasks(context, given);
  return tasks.length === 0 ? [] : (await storeIn(tx, store)).createMany(tasks);
}

/** Whether and when it runs, and whether it is the only one. */
function checkStart(options: CreateOptions): Pick<NewTask, 'autoRun' | 'due' | 'key' | 'replace'> {
  const { autoRun = true, key, replace = false } = options;
  if (typeof autoRun !== 'boolean') refuse('autoRun', autoRun, 'it must be true or false');
  if (typeof replace !== 'boolean') refuse('replace', replace, 'it must be true or false');
  if (key !== undefined) checkKey(key);
  else if (replace)
    refuse('replace', replace, 'it says what becomes of a task with the same key; give a key');
  const due = checkWhen(options);
  if (due !== undefined && !autoRun)
    refuse('autoRun', autoRun, 'with delay or runAt, the task runs by itself');
  return { autoRun, due, key, replace };
}

/** Accepts, for JavaScript users, only what has the shape of a declaration. */
function declarationOf(registry: Registry, declaration: TaskDeclaration): TaskDeclaration {
  if (typeof declaration === 'object' && declaration !== null) {
    checkType(declaration.type);
    return declaration;
  }
  const known = typeof declaration === 'string' ? registry.find(declaration) : undefined;
  if (known === undefined) throw new TaskbatonError('UNKNOWN_TYPE', { type: show(declaration) });
  return known;
}

function refuse(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}
