/** Who takes part: each contestant, where it runs, how much it can be asked to do, and when its tasks are done. */
import type { ServerName } from './servers.ts';

export interface Entry {
  /** In results and on the command line. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  /** The adapter, from this folder. */
  readonly module: string;
  readonly setting: string;
  readonly server: ServerName;
  /** Whose results it belongs to. */
  readonly comparison: Comparison;
  /** Selects a row while a task isn't done; Redis and taskbaton are asked in their own ways. */
  readonly unfinished?: string;
  /** So many times less than the others it does in the same time, roughly, and is given as much less. */
  readonly slowness?: number;
  /** It has nothing that comes near a checkpoint. */
  readonly checkpoints?: false;
  /** It is no library. */
  readonly bare?: true;
}

export type Comparison = 'postgres' | 'mysql' | 'sqlite';

export const COMPARISONS: readonly Comparison[] = ['postgres', 'mysql', 'sqlite'];

const BARE = "SELECT 1 FROM task WHERE status <> 'finished' LIMIT 1";

export const ROSTER: readonly Entry[] = [
  ...COMPARISONS.flatMap((database) => [...ours(database), bare(database)]),
  ...graphileWorker(),
  peer('pg-boss', 'pg-boss, tuned', 'pg-boss', {
    unfinished: "SELECT 1 FROM pgboss.job WHERE name = 'noop' AND state < 'completed' LIMIT 1",
    checkpoints: false,
  }),
  ...bullmq(),
  peer('dbos', 'DBOS', 'dbos', {
    unfinished: "SELECT 1 FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING') LIMIT 1",
    slowness: 30,
  }),
  peer('openworkflow', 'OpenWorkflow', 'openworkflow', {
    unfinished: "SELECT 1 FROM openworkflow.workflow_runs WHERE status IN ('pending', 'running') LIMIT 1",
    slowness: 30,
  }),
];

function ours(database: Comparison): readonly Entry[] {
  const variants = {
    '': 'taskbaton',
    '-remove': 'taskbaton, rows removed',
    '-default': 'taskbaton, default settings, concurrency 100',
  };
  return Object.entries(variants).map(([suffix, label]) => ({
    name: `ours${suffix}`,
    label,
    module: './contestants/ours.ts',
    setting: suffix.slice(1),
    server: database,
    comparison: database,
  }));
}

function bare(database: Comparison): Entry {
  return {
    name: 'bare-loop',
    label: 'hand-written SQL loop',
    module: `./contestants/bare-${database}.ts`,
    setting: '',
    server: database,
    comparison: database,
    unfinished: BARE,
    checkpoints: false,
    bare: true,
  };
}

function peer(name: string, label: string, module: string, rest: Partial<Entry>): Entry {
  return {
    name,
    label,
    module: `./peers/${module}.ts`,
    setting: '',
    server: 'postgres',
    comparison: 'postgres',
    ...rest,
  };
}

function graphileWorker(): readonly Entry[] {
  const rest = {
    unfinished: 'SELECT 1 FROM graphile_worker._private_jobs LIMIT 1',
    checkpoints: false,
  } as const;
  return [
    peer('graphile-worker-batch', 'graphile-worker, tuned', 'graphile-worker', { setting: 'batch', ...rest }),
    peer('graphile-worker', 'graphile-worker', 'graphile-worker', { slowness: 6, ...rest }),
  ];
}

function bullmq(): readonly Entry[] {
  const on = (name: string, label: string, server: ServerName): Entry =>
    peer(name, label, 'bullmq', { setting: 'redis', server });
  return [
    on('bullmq-redis', 'BullMQ on Redis, not durable', 'redis'),
    on('bullmq-redis-everysec', 'BullMQ on Redis, synced each second', 'redis-everysec'),
    on('bullmq-redis-always', 'BullMQ on Redis, synced always', 'redis-always'),
    peer('bullmq-postgres', 'BullMQ on PostgreSQL', 'bullmq', {
      setting: 'postgres',
      slowness: 6,
      unfinished: "SELECT 1 FROM bullmq.job WHERE state NOT IN ('completed', 'failed') LIMIT 1",
    }),
  ];
}
