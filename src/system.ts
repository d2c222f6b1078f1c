/**
 * A system as a whole, which all its instances see and steer alike: its users, groups and types with their limits and
 * pauses, its replicas, and how it is at a glance. What concerns single tasks is in `taskbaton.ts`.
 */
import type { TaskDeclaration } from './core/declaration.ts';
import type { ScopeKind } from './core/limit.ts';
import { checkParts } from './core/name.ts';
import type { Overview, Queues } from './core/overview.ts';
import type { DrainOptions, Replica as ReplicaView } from './core/replica.ts';
import {
  type ChangeOptions,
  checkOwner,
  type OnBehalf,
  type PauseOptions,
  type ScopeCount,
  typeName,
} from './core/task.ts';
import type { VersionCount } from './core/version.ts';
import { setDraining } from './runtime/drain.ts';
import { internalsOf } from './runtime/internals.ts';
import type { Steering } from './runtime/steering.ts';
import type { StoreHolder } from './runtime/store-holder.ts';
import { countScopes } from './store/scope.ts';
import { countVersions } from './store/versions.ts';

export class TaskSystem {
  /**
   * At most `limit` tasks of this user, group, type or [user, group] run at once from now on, in all replicas; null goes
   * back to what the options say. What runs already goes on. Throws INVALID_ARGUMENT.
   */
  async setLimit(
    kind: 'user/group',
    name: readonly [user: string, group: string],
    limit: number | null,
    options?: ChangeOptions,
  ): Promise<void>;
  async setLimit(
    kind: 'user' | 'group' | 'type',
    name: string,
    limit: number | null,
    options?: ChangeOptions,
  ): Promise<void>;
  async setLimit(
    kind: ScopeKind,
    name: unknown,
    limit: number | null,
    options: ChangeOptions = {},
  ): Promise<void> {
    await this.#steering.limit(kind, name, limit, options);
  }

  /** Lets no task of the group start; with `running: true`, also pauses those that run, which come back with it. */
  pauseGroup(group: string, options: PauseOptions & ChangeOptions = {}): Promise<void> {
    return this.#steering.pause('group', group, options);
  }

  /** Ends a pause. Its tasks may start, and those that the pause stopped go back to the queue. */
  resumeGroup(group: string, options: ChangeOptions = {}): Promise<void> {
    return this.#steering.resume('group', group, options);
  }

  /** As `pauseGroup`, for all tasks of a user. */
  pauseUser(user: string, options: PauseOptions & ChangeOptions = {}): Promise<void> {
    return this.#steering.pause('user', user, options);
  }

  resumeUser(user: string, options: ChangeOptions = {}): Promise<void> {
    return this.#steering.resume('user', user, options);
  }

  /** As `pauseGroup`, for all tasks of a type. */
  pauseType(type: string | TaskDeclaration, options: PauseOptions & ChangeOptions = {}): Promise<void> {
    return this.#steering.pause('type', typeName(type), options);
  }

  resumeType(type: string | TaskDeclaration, options: ChangeOptions = {}): Promise<void> {
    return this.#steering.resume('type', typeName(type), options);
  }

  /** Every group that has tasks or rules: tasks by state, limit, pause, share and age. It reads the whole table. */
  async groups(): Promise<readonly ScopeCount[]> {
    return countScopes((await this.#stores.open()).scopes, 'group');
  }

  /** The same for users. */
  async users(): Promise<readonly ScopeCount[]> {
    return countScopes((await this.#stores.open()).scopes, 'user');
  }

  /** The same for types. */
  async types(): Promise<readonly ScopeCount[]> {
    return countScopes((await this.#stores.open()).scopes, 'type');
  }

  /** The versions of types that tasks which have not ended are of; those that no live replica can run come first. */
  async versions(): Promise<readonly VersionCount[]> {
    return countVersions((await this.#stores.open()).scopes);
  }

  /** Who is alive in this system, since when, and what each one holds; of one user's tasks only, if `owner` is given. */
  async replicas(options: OnBehalf = {}): Promise<readonly ReplicaView[]> {
    const owner = checkBehalf(options);
    return (await this.#stores.open()).replicas(owner);
  }

  /** Lets a replica take nothing more and hand over what it runs, until its process starts anew. Throws REPLICA_NOT_FOUND. */
  drainReplica(id: string, options: DrainOptions = {}): Promise<void> {
    return setDraining(this.#stores, id, true, options);
  }

  /** Lets it take tasks again. Throws REPLICA_NOT_FOUND. */
  undrainReplica(id: string, options: DrainOptions = {}): Promise<void> {
    return setDraining(this.#stores, id, false, options);
  }

  /**
   * How many tasks are where, how they flow and what is wrong; of one user's tasks only, if `owner` is given. Counted once for
   * all who ask in this process, and kept for a second or more, the longer the dearer it was.
   */
  overview(options: OnBehalf = {}): Promise<Overview> {
    return internalsOf(this).overviews.overview(checkBehalf(options));
  }

  /** Users, groups and types with their tasks, limits and pauses, and the tasks of each user in each group; kept likewise. */
  queues(options: OnBehalf = {}): Promise<Queues> {
    return internalsOf(this).overviews.queues(checkBehalf(options));
  }

  get #stores(): StoreHolder {
    return internalsOf(this).stores;
  }

  get #steering(): Steering {
    return internalsOf(this).steering;
  }
}

function checkBehalf(options: OnBehalf): string | undefined {
  checkParts('options', options, ['owner']);
  checkOwner(options.owner);
  return options.owner;
}
