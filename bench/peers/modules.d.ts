/**
 * Of the peers' types, what their adapters use: the peers are not installed with this repository, and its types must be
 * checked all the same.
 */
declare module 'graphile-worker' {
  export class Logger {
    constructor(make: () => (level: string, message: string) => void);
  }
  interface Utilities {
    migrate(): Promise<void>;
    release(): Promise<void>;
    addJob(task: string, payload: object): Promise<unknown>;
    addJobs(jobs: readonly { identifier: string; payload: object }[]): Promise<unknown>;
  }
  export function makeWorkerUtils(options: object): Promise<Utilities>;
  export function run(options: {
    preset: object;
    taskList: Record<string, (payload: unknown) => Promise<void>>;
    noHandleSignals: boolean;
  }): Promise<{ stop(): Promise<void> }>;
}

declare module 'pg-boss' {
  export interface PgBossOptions {
    useListenNotify?: boolean;
    supervise?: boolean;
    schedule?: boolean;
    max?: number;
  }
  export class PgBoss {
    constructor(options: PgBossOptions & { connectionString: string });
    on(event: 'error', listener: (error: Error) => void): void;
    start(): Promise<unknown>;
    stop(options: object): Promise<void>;
    createQueue(name: string, options: object): Promise<void>;
    send(queue: string, data: object): Promise<unknown>;
    insert(queue: string, jobs: readonly { data: object }[]): Promise<unknown>;
    work(
      queue: string,
      options: object,
      handler: (jobs: readonly { data: unknown }[]) => Promise<void>,
    ): Promise<unknown>;
  }
}

declare module 'bullmq' {
  type Backend = (...parameters: never) => unknown;
  export const createPostgresBackend: Backend;
  export function runMigrations(client: object): Promise<void>;
  export class Queue {
    constructor(name: string, options: object, ...backend: readonly Backend[]);
    waitUntilReady(): Promise<unknown>;
    add(name: string, data: object): Promise<unknown>;
    addBulk(jobs: readonly { name: string; data: object }[]): Promise<unknown>;
    close(): Promise<void>;
  }
  interface Job {
    readonly data: unknown;
    updateProgress(progress: object): Promise<void>;
  }
  export class Worker {
    constructor(
      name: string,
      process: (job: Job) => Promise<unknown>,
      options: object,
      ...backend: readonly Backend[]
    );
    on(event: 'error', listener: (error: Error) => void): void;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  }
}

declare module '@dbos-inc/dbos-sdk' {
  export const DBOS: {
    setConfig(config: object): void;
    launch(): Promise<void>;
    shutdown(): Promise<void>;
    registerQueue(name: string, options: object): unknown;
    registerWorkflow(work: (payload: unknown) => Promise<unknown>, options: { name: string }): unknown;
    runStep<Result>(step: () => Promise<Result>, options: { name: string }): Promise<Result>;
  };
  export class DBOSClient {
    static create(options: object): Promise<DBOSClient>;
    enqueue(options: object, payload: object): Promise<unknown>;
    enqueueInTransaction(client: object, options: object, payload: object): Promise<unknown>;
    destroy(): Promise<void>;
  }
}

declare module 'openworkflow' {
  interface Step {
    run(options: { name: string }, work: () => Promise<object>): Promise<unknown>;
  }
  interface Workflow {
    run(input: unknown): Promise<unknown>;
  }
  export class OpenWorkflow {
    constructor(options: { backend: object });
    defineWorkflow(
      options: { name: string },
      run: (given: { input: unknown; step: Step }) => Promise<null>,
    ): Workflow;
    newWorker(options: { concurrency: number }): { start(): Promise<void>; stop(): Promise<void> };
  }
}

declare module 'openworkflow/postgres' {
  export class BackendPostgres {
    static connect(
      url: string,
      options: { namespaceId: string; runMigrations: boolean },
    ): Promise<BackendPostgres>;
    stop(): Promise<void>;
  }
}
