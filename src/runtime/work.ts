/**
 * What a handler does inside a transaction of its own. It may hang, and must not keep the transaction open then; and it may
 * ask for what would wait for the end of that very transaction, which is noticed however many awaits lie between.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

interface Scope {
  readonly owner: object;
  open: boolean;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Does `work` for `owner`. Rejects with the reason of `left` as soon as that fires. */
export async function doWork<Result>(
  owner: object,
  left: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  const scope: Scope = { owner, open: true };
  try {
    return await unlessAborted(left, () => scopes.run(scope, work));
  } finally {
    scope.open = false;
  }
}

/** Whether the caller is a part of work that `owner` is doing. */
export function isInWork(owner: object): boolean {
  const scope = scopes.getStore();
  return scope?.owner === owner && scope.open;
}

/** What `begin` resolves to; rejects with the reason of `signal` as soon as that fires. */
export async function unlessAborted<Result>(
  signal: AbortSignal,
  begin: () => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([begin(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
