/** Creating a task for somebody who may be allowed to create tasks of their own only. */
import type { TaskDeclaration } from '../core/declaration.ts';
import { isTaskbatonError } from '../core/errors.ts';
import type { CheckedVisitor } from './access.ts';
import type { NewTask } from './api.ts';
import { Refusal } from './failure.ts';
import type { Host } from './host.ts';

export async function createTask(
  { baton, tasks }: Host,
  { owner }: CheckedVisitor,
  { type, input, user = owner, ...options }: NewTask,
): Promise<number> {
  if (owner !== undefined && user !== owner)
    throw new Refusal('FORBIDDEN', 'you may create tasks of your own only');
  const { reason: _reason, ...others } = options;
  // What isn't declared here is looked up by its name among the types that this instance runs.
  const declaration = tasks.get(type) ?? (type as unknown as TaskDeclaration);
  const id = await baton.createTask(declaration, input, { ...others, user });
  if (owner !== undefined && others.key !== undefined) await checkOwn(baton, id, owner, others.key);
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
