/** Creating a task for somebody who may be allowed to create tasks of their own only. */
import type { TaskDeclaration } from '../core/declaration.ts';
import { isTaskbatonError } from '../core/errors.ts';
import type { NewTask } from './api.ts';
import { Refusal } from './failure.ts';
import type { Host } from './host.ts';
import { authorOf, type Call } from './route.ts';

export async function createTask(call: Call<unknown, NewTask>): Promise<number> {
  const { baton, tasks } = call.host;
  const { owner } = call.visitor;
  const { type, input, user = owner, ...options } = call.body;
  if (owner !== undefined && user !== owner)
    throw new Refusal('FORBIDDEN', 'you may create tasks of your own only');
  // What isn't declared here is looked up by its name among the types that this instance runs.
  const declaration = tasks.get(type) ?? (type as unknown as TaskDeclaration);
  const id = await baton.createTask(declaration, input, { ...options, ...authorOf(call), user });
  if (owner !== undefined && options.key !== undefined) await checkOwn(baton, id, owner, options.key);
  return id;
}

/** The task that has the key already may be somebody else's, of which nothing is told. */
async function checkOwn(baton: Host['baton'], id: number, owner: string, key: string): Promise<void> {
  try {
    await baton.getTask(id, { owner, includeDeleting: true, redacted: true });
  } catch (error) {
    if (!isTaskbatonError(error, 'TASK_NOT_FOUND')) throw error;
    throw new Refusal('KEY_TAKEN', `the key ${JSON.stringify(key)} is taken`);
  }
}
