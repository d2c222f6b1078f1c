/** What a handler does with its task's children: see `Children`. The wait itself is a stop like any other. */
import type { Children, ChildrenDoneOptions, ChildFailure, NewChild } from '../core/children.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import type { Report } from '../core/handler.ts';
import type { Connection } from '../core/connection.ts';
import { checkParts } from '../core/name.ts';
import { QUEUES, type UserEvent } from '../core/status.ts';
import { checkFilter, ofType, type Task } from '../core/task.ts';
import { hasUnfinished, levelsBelow, stopAsked } from '../store/children.ts';
import type { Store } from '../store/store.ts';
import { storeIn } from './transaction.ts';

export interface ChildrenOptions {
  readonly parent: number;
  readonly store: Store;
  readonly signal: AbortSignal;
  /** Creates tasks in a transaction of ours. */
  readonly create: (items: readonly NewChild[], tx: Connection) => Promise<readonly number[]>;
  /** The handler's own transactions. */
  readonly transaction: (work: (tx: Connection) => Promise<unknown>) => Promise<void>;
  /** Asks again until the database answers: a connection that is lost fails no task. Throws LEASE_LOST. */
  readonly ask: <Answer>(question: () => Promise<Answer>) => Promise<Answer>;
  /** Throws where nobody can be waited for. */
  readonly checkDone: () => void;
  /** Fires the signal: the handler is to end. */
  readonly stop: (why: 'children' | 'pause' | 'delete') => void;
}

/** So many at once are read of the children that have ended. */
const PAGE = 1000;

export function childrenOf<Context>(options: ChildrenOptions): Children<Report<Context>> {
  const { parent, store, signal, transaction, ask, stop } = options;
  return {
    async create(items, report) {
      // One list for each time that the transaction was begun: which one was committed is not always known at once.
      const created: (readonly number[])[] = [];
      await transaction(async (tx) => {
        created.push(await createBelow(options, items, tx));
        return report;
      });
      const [only = []] = created;
      return created.length < 2 ? only : existing(options, created);
    },
    async done<Given, Input, Child>(given: ChildrenDoneOptions<Given, Input, Child> = {}) {
      options.checkDone();
      checkParts('options', given, ['onFailure', 'as']);
      const { onFailure = 'fail', as } = given;
      if (typeof onFailure !== 'function') checkAnswer(onFailure, ['fail', 'ignore']);
      for (;;) {
        signal.throwIfAborted();
        if (await ask(() => hasUnfinished(store.scopes, parent))) {
          stop('children');
          signal.throwIfAborted();
        }
        const children = (await ask(() => readChildren(store, parent))).map((child) => ofType(child, as));
        // One that had ended may have been run again since.
        if (!children.every(hasEnded) || (await settleFailures(options, children, onFailure))) continue;
        return children.filter(({ state }) => state === 'finished');
      }
    },
  };
}

/**
 * Whoever is asked to pause or to go has no more children: its handler learns here that it must stop, if it hasn't yet, and
 * whoever goes through its children afterwards has seen them all.
 */
async function createBelow(
  { parent, store, signal, create, stop }: ChildrenOptions,
  items: readonly NewChild[],
  tx: Connection,
): Promise<readonly number[]> {
  const asked = await stopAsked(tx, store, parent);
  if (asked !== undefined) {
    stop(asked);
    signal.throwIfAborted();
  }
  return create(items, tx);
}

function hasEnded({ state }: Task): boolean {
  return state === 'finished' || state === 'failed';
}

/** True if children were run again, so that there is somebody to wait for. */
async function settleFailures(
  { parent, store, ask }: ChildrenOptions,
  children: readonly Task[],
  onFailure: NonNullable<ChildrenDoneOptions['onFailure']>,
): Promise<boolean> {
  let again = false;
  for (const child of children) {
    if (child.state !== 'failed') continue;
    const answer = typeof onFailure === 'function' ? await onFailure(child) : onFailure;
    checkAnswer(answer, ['fail', 'ignore', 'retry']);
    if (answer === 'fail') {
      const reason = child.error?.message ?? 'no reason given';
      throw new TaskbatonError('CHILD_FAILED', { id: parent, child: child.id, reason });
    }
    if (answer !== 'retry') continue;
    await ask(() => store.change(child.id, 'run'));
    again = true;
  }
  return again;
}

function checkAnswer(answer: unknown, known: readonly ChildFailure[]): asserts answer is ChildFailure {
  if (known.includes(answer as ChildFailure)) return;
  const problem = `it must be ${known.join(', ')}, or a function that returns one of fail, ignore, retry`;
  throw new TaskbatonError('INVALID_ARGUMENT', { argument: 'onFailure', value: show(answer), problem });
}

/** All of them in the order of their creation; who is on the way out is one no longer. */
async function readChildren(store: Store, parent: number): Promise<readonly Task[]> {
  const found: Task[] = [];
  for (let after: number | undefined; ;) {
    const page = await store.list(checkFilter({ parent, limit: PAGE, after }));
    found.push(...page.tasks);
    if (page.next === undefined) return found.toReversed();
    after = page.next;
  }
}

/** The one of `created` that is there. */
async function existing(
  { store, parent, ask }: ChildrenOptions,
  created: readonly (readonly number[])[],
): Promise<readonly number[]> {
  const ids = new Set((await ask(() => readChildren(store, parent))).map(({ id }) => id));
  return created.find((list) => list.every((id) => ids.has(id))) ?? [];
}

/** Applies what a user asked for to a task and to all below it for whom it makes sense. */
export async function changeFamily(store: Store, id: number, event: UserEvent, how: How): Promise<void> {
  if (event === 'run') return runFamily(store, id, how);
  // Each is paused before its children are read, and creates none from then on.
  await store.change(id, event, how);
  for await (const level of levelsBelow(store.scopes, id)) await changeLevel(store, level, event, how);
}

type How = NonNullable<Parameters<Store['change']>[2]>;

/** Whoever goes on must find its children going on, so nobody sees one without the others. */
async function runFamily(store: Store, id: number, how: How): Promise<void> {
  await store.database.transaction(async (tx) => {
    const inside = await storeIn(tx, store);
    await inside.change(id, 'run', how);
    for await (const level of levelsBelow(inside.scopes, id)) await changeLevel(inside, level, 'run', how);
  });
  await store.hint(...QUEUES, 'due');
}

async function changeLevel(
  store: Store,
  level: readonly number[],
  event: UserEvent,
  { by, owner }: How,
): Promise<void> {
  const others = { owner, user: undefined, group: undefined, types: undefined, states: undefined };
  for (let from = 0; from < level.length; from += PAGE)
    await store.changeMany(event, { ...others, ids: level.slice(from, from + PAGE) }, by);
}
