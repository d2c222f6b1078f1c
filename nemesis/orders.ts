/**
 * Those who give orders: they create tasks and pause, resume, move and delete them, over a network that fails as well. An order
 * that was not acknowledged is given again until it is, and everything is put down.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { isTaskbatonError, type Taskbaton } from '../src/index.ts';
import { type LedgerFile, monotonic, type OrderEntry } from './ledger.ts';
import type { Random } from './random.ts';
import { context, input, LIMITED_GROUP, type TypeName } from './tasks.ts';

const KINDS: readonly {
  readonly type: TypeName;
  readonly weight: number;
  readonly steps: number;
  readonly ms: number;
}[] = [
  { type: 'steady', weight: 60, steps: 3, ms: 10 },
  { type: 'steady', weight: 8, steps: 30, ms: 40 },
  { type: 'careless', weight: 12, steps: 100, ms: 50 },
  { type: 'exact', weight: 10, steps: 5, ms: 20 },
  { type: 'flaky', weight: 6, steps: 3, ms: 10 },
  { type: 'limited', weight: 4, steps: 10, ms: 30 },
  { type: 'poison', weight: 0.15, steps: 1, ms: 1 },
];

/** What may be asked of a task afterwards; each list is given in order, with pauses between. */
const PLANS: readonly {
  readonly weight: number;
  readonly orders: readonly Exclude<OrderEntry['order'], 'create'>[];
}[] = [
  { weight: 70, orders: [] },
  { weight: 8, orders: ['pause', 'run'] },
  { weight: 3, orders: ['pause'] },
  { weight: 9, orders: ['delete'] },
  { weight: 4, orders: ['move'] },
  { weight: 6, orders: ['pause', 'run', 'pause', 'run', 'delete'] },
];

export class Orders {
  readonly #baton: Taskbaton;
  readonly #random: Random;
  readonly #ledger: LedgerFile;
  #count = 0;
  readonly #running = new Set<Promise<void>>();

  constructor(baton: Taskbaton, random: Random, ledger: LedgerFile) {
    [this.#baton, this.#random, this.#ledger] = [baton, random, ledger];
  }

  /** Creates about `rate` tasks a second until `until`; resolves when all orders are acknowledged. */
  async give(until: number, rate: number): Promise<void> {
    while (monotonic() < until) {
      const one = this.#accompany().finally(() => void this.#running.delete(one));
      this.#running.add(one);
      await pause(this.#random.between(0, 2000 / rate));
    }
    await Promise.all(this.#running);
  }

  async #accompany(): Promise<void> {
    const { type, steps, ms } = this.#random.pick(KINDS);
    const { orders } = this.#random.pick(PLANS);
    const key = `task ${++this.#count}`;
    const group = type === 'limited' ? LIMITED_GROUP : 'here';
    const declaration = { type, input, context };
    const create = (): Promise<number> => this.#baton.createTask(declaration, { steps, ms }, { key, group });
    const task = await this.#insist({ order: 'create', key, type }, create);
    for (const order of type === 'limited' && orders.includes('move') ? [] : orders) {
      await pause(this.#random.between(0, 1500));
      await this.#insist({ order, key, task, type }, () => this.#send(order, task));
    }
  }

  /** Makes no sense any more, or need not be done: that is an answer as well. */
  async #send(order: Exclude<OrderEntry['order'], 'create'>, task: number): Promise<number> {
    const send = {
      run: () => this.#baton.runTask(task),
      pause: () => this.#baton.pauseTask(task),
      delete: () => this.#baton.deleteTask(task),
      move: () => this.#baton.changeTaskGroup(task, 'there'),
    };
    await send[order]().catch((error: unknown) => {
      if (!isTaskbatonError(error, 'STATE_CONFLICT', 'TASK_NOT_FOUND')) throw error;
    });
    return task;
  }

  async #insist(
    order: Pick<OrderEntry, 'order' | 'key' | 'task' | 'type'>,
    send: () => Promise<number>,
  ): Promise<number> {
    this.#ledger.write({ kind: 'order', what: 'asked', ...order });
    for (;;) {
      try {
        const task = await send();
        this.#ledger.write({ kind: 'order', what: 'done', ...order, task });
        return task;
      } catch (error) {
        if (!isTaskbatonError(error, 'DATABASE_UNAVAILABLE', 'DATABASE_BUSY')) throw error;
        await pause(100);
      }
    }
  }
}
