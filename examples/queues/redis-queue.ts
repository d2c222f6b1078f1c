/**
 * A queue of your own that lives outside the database: first come, first served, in sorted sets of a Redis. No transaction
 * spans the two, so it may forget a task or name one that has gone. Neither does harm: who is named without waiting is
 * passed over and taken out, and whoever was forgotten is entered again by the reconciler of a live replica.
 */
import type { Redis } from 'ioredis';
import type { PickRequest, QueuePlace, TaskQueue, WaitingTask } from 'taskbaton';

export class RedisQueue implements TaskQueue {
  readonly #redis: Redis;
  readonly #name: string;
  #keys = '';

  /** `name` begins all keys; give each system on this Redis another one. The client stays yours to close. */
  constructor(redis: Redis, name: string) {
    this.#redis = redis;
    this.#name = name;
  }

  async prepare({ queue }: QueuePlace): Promise<void> {
    this.#keys = `${this.#name}:${queue}`;
  }

  async enter(tasks: readonly WaitingTask[]): Promise<void> {
    const pipeline = this.#redis.multi();
    for (const { id, type, handedOver } of tasks) {
      // Ids grow, so they are the order of arrival; who was running already goes before all others.
      pipeline.zadd(this.#waiting(type), 'NX', handedOver ? id - Number.MAX_SAFE_INTEGER : id, id);
      pipeline.hset(this.#types, String(id), type);
    }
    await succeeded(pipeline);
  }

  async leave(ids: readonly number[]): Promise<void> {
    const types = await this.#redis.hmget(this.#types, ...ids.map(String));
    const pipeline = this.#redis.multi();
    for (const [index, id] of ids.entries()) {
      const type = types[index];
      if (typeof type === 'string') pipeline.zrem(this.#waiting(type), String(id));
    }
    pipeline.hdel(this.#types, ...ids.map(String));
    await succeeded(pipeline);
  }

  async pick({ types, limit, skip }: PickRequest): Promise<readonly number[]> {
    const first: [score: number, id: number][] = [];
    for (const type of types) {
      const entries = await this.#redis.zrange(
        this.#waiting(type),
        0,
        String(limit + skip.size - 1),
        'WITHSCORES',
      );
      for (let index = 0; index < entries.length; index += 2)
        first.push([Number(entries[index + 1]), Number(entries[index])]);
    }
    return first
      .filter(([, id]) => !skip.has(id))
      .toSorted(([one], [other]) => one - other)
      .slice(0, limit)
      .map(([, id]) => id);
  }

  #waiting(type: string): string {
    return `${this.#keys}:waiting:${type}`;
  }

  get #types(): string {
    return `${this.#keys}:types`;
  }
}

async function succeeded(pipeline: ReturnType<Redis['multi']>): Promise<void> {
  const results = (await pipeline.exec()) ?? [];
  const failure = results.find(([error]) => error !== null)?.[0];
  if (failure) throw failure;
}
