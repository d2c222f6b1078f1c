/**
 * Trouble that a server has by itself: no connections left, no disk left, read-only. Replicas wait, say why, fail no task, and go on as soon as it is over.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { startPrivateMariadb } from '../../scripts/mariadb.ts';
import { startPrivatePostgres } from '../../scripts/private-postgres.ts';
import { defineTask, isTaskbatonError, type Taskbaton, type TaskbatonOptions } from '../../src/index.ts';
import { type BackendName, backends, type TestBackend } from '../backends.ts';
import { reaches, record, System, until, work } from '../support/system.ts';

/** A server with nobody else on it, and an account that is not its master. */
interface OwnServer {
  /** Of the account that replicas use. */
  readonly url: string;
  /** Runs a statement as its master. */
  admin(sql: string): Promise<unknown>;
  /** Makes it read-only, or lets it write again. */
  readOnly(on: boolean): Promise<void>;
  /** Starts it again if it died, as whoever watches over servers does. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

const SERVERS: Readonly<Partial<Record<BackendName, () => Promise<OwnServer>>>> = {
  postgres: ownPostgres,
  mysql: ownMariadb,
};

/** So few that two pools use them up. */
const FEW_CONNECTIONS = 15;

async function ownPostgres(): Promise<OwnServer> {
  const server = await startPrivatePostgres([
    `max_connections=${FEW_CONNECTIONS}`,
    'superuser_reserved_connections=3',
  ]);
  const admin = async (sql: string): Promise<unknown> => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    const result = await client.query(sql);
    await client.end();
    return result;
  };
  await admin(
    'CREATE ROLE replica LOGIN; GRANT ALL ON SCHEMA public TO replica; GRANT CREATE ON DATABASE postgres TO replica',
  );
  return {
    url: server.url.replace('postgres@', 'replica@'),
    admin,
    readOnly: async (on) => {
      await admin(`ALTER ROLE replica SET default_transaction_read_only = ${on ? 'on' : 'off'}`);
      await admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'replica'`);
    },
    // It does that by itself.
    revive: async () => undefined,
    close: () => server.close(),
  };
}

async function ownMariadb(): Promise<OwnServer> {
  const server = await startPrivateMariadb([`--max-connections=${FEW_CONNECTIONS}`]);
  // One that is there before all others are taken.
  const master = await createConnection({ uri: server.url });
  master.on('error', () => undefined);
  const admin = async (sql: string): Promise<unknown> => master.query(sql);
  // Not '%': a new server's nameless account of localhost would go before it.
  await admin('CREATE USER replica@localhost');
  await admin('GRANT ALL ON taskbaton_test.* TO replica@localhost');
  return {
    url: server.url.replace('root@', 'replica@'),
    admin,
    readOnly: async (on) => void (await admin(`SET GLOBAL read_only = ${on ? 'ON' : 'OFF'}`)),
    revive: async () => {
      await server.stop('SIGKILL');
      await server.start();
    },
    close: async () => {
      master.destroy();
      await server.close();
    },
  };
}

const steady = defineTask({
  type: 'steady',
  onCrash: 'resume',
  async *run({ context, signal }) {
    for (let step = Number(context ?? 0); step < 1000; step++) {
      await work(20, signal);
      yield { context: step + 1 };
    }
  },
});
const quick = defineTask({ type: 'quick', run: async () => undefined });

/** A replica at work, and what it says. */
async function atWork(
  t: TestContext,
  place: TestBackend,
  options: Partial<TaskbatonOptions> = {},
): Promise<{ system: System; baton: Taskbaton; id: number; events: ReturnType<typeof record> }> {
  const system = new System(place, t);
  const baton = await system.replica({ tasks: [steady, quick], lease: 3000, pollInterval: 100, ...options });
  const events = record(baton);
  const id = await baton.createTask(steady, undefined);
  await events.next('task.reported');
  return { system, baton, id, events };
}

/** What it was at goes on, and what is new runs. */
async function worksAgain({ baton, id }: { readonly baton: Taskbaton; readonly id: number }): Promise<void> {
  const before = Number(
    (await until('it answers', () => baton.getTask(id).catch(() => false as const))).context,
  );
  await until('it goes on', async () => Number((await baton.getTask(id)).context) > before + 2);
  const fresh = await until('it takes orders', () =>
    baton.createTask(quick, undefined).catch(() => false as const),
  );
  await reaches(baton, fresh, 'finished');
  const task = await baton.getTask(id);
  assert.deepEqual([task.state, task.attempt, task.error], ['running', 1, undefined]);
}

describe('a server has trouble', () => {
  for (const [name, open] of Object.entries(SERVERS)) {
    if (!backends.some((backend) => backend.name === name)) continue;
    describe(`${name}:`, () => {
      it('no connections are left, and the server is read-only for a while', async (t) => {
        const server = await open();
        const place = { url: server.url, prefix: 'trouble_', close: () => server.close() };
        const working = await atWork(t, place);
        const { baton, events } = working;
        await server.readOnly(true);
        await events.next('loop.failing');
        // The first ones may say no more than that their connections were cut.
        await until('users are told', () =>
          baton.createTask(quick, undefined).then(
            () => false,
            (error: unknown) => /read.only/i.test(String(error)),
          ),
        );
        // Longer than the lease: nobody may lose more than that.
        await events.next('replica.lost');
        await server.readOnly(false);
        await worksAgain(working);

        const before = events.events.length;
        const hogs = await hog(server.url);
        // The replica may have been quicker to take the places that it lost: then they are taken from it again.
        const full = await until('it says that none are left', async () => {
          await cutAll(server, hogs);
          return events.events
            .slice(before)
            .find(
              (event) => event.name === 'loop.failing' && /too many|remaining connection/i.test(event.error),
            );
        });
        assert.ok(full);
        await Promise.all(hogs.map((hogged) => hogged()));
        await worksAgain(working);
      });

      it('no disk is left for a while', async (t) => {
        const disk = mountDisk();
        if (disk === undefined) return t.diagnostic('NOT TESTED: a disk may not be mounted here');
        const server = await onDisk(disk.folder, open);
        const close = async (): Promise<void> => {
          await server.close();
          disk.release();
        };
        const working = await atWork(t, { url: server.url, prefix: 'disk_', close });
        const empty = fill(disk.folder);
        // What a server can't make smaller.
        const text = randomBytes(375_000).toString('base64');
        const filler = working.system.instance();
        const error: unknown = await until('it is full', () =>
          filler.createTask({ type: 'filler' }, text).then(
            () => undefined,
            (reason: unknown) => reason ?? false,
          ),
        );
        assert.ok(isTaskbatonError(error, 'DATABASE_UNAVAILABLE'), String(error));
        t.diagnostic(String(error.details['problem']));
        empty();
        await server.revive();
        await worksAgain(working);
      });
    });
  }
});

/** Takes all connections that can be had; each is given back by a function. */
async function hog(url: string): Promise<(() => Promise<unknown>)[]> {
  const held: (() => Promise<unknown>)[] = [];
  for (;;) {
    try {
      if (url.startsWith('mysql:')) {
        const connection = await createConnection({ uri: url });
        connection.on('error', () => undefined);
        held.push(() => connection.end().catch(() => undefined));
      } else {
        const client = new pg.Client({ connectionString: url, application_name: 'hog' });
        client.on('error', () => undefined);
        await client.connect();
        held.push(() => client.end());
      }
    } catch {
      return held;
    }
  }
}

/** Ends the connections of the replica, and takes those as well before it can. */
async function cutAll(server: OwnServer, hogs: (() => Promise<unknown>)[]): Promise<void> {
  const taking = (async () => {
    for (let round = 0; round < 100; round++) {
      hogs.push(...(await hog(server.url)));
      await work(5);
    }
  })();
  if (server.url.startsWith('mysql:')) {
    const [rows] = (await server.admin(
      `SELECT id FROM information_schema.processlist WHERE user = 'replica' AND time_ms < 60000 AND command = 'Sleep' AND info IS NULL`,
    )) as [{ id: number }[]];
    for (const { id } of rows) await server.admin(`KILL ${id}`).catch(() => undefined);
  } else {
    await server.admin(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'replica' AND application_name <> 'hog'`,
    );
  }
  await taking;
}

const DISK_MEGABYTES = 400;

/** A small disk of our own, where that may be had. */
function mountDisk(): { readonly folder: string; release(): void } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-disk-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const options = `size=${DISK_MEGABYTES}m,mode=1777`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    remove();
    return undefined;
  }
  const release = (): void => {
    execFileSync('umount', ['-l', folder]);
    remove();
  };
  return { folder, release };
}

async function onDisk(disk: string, open: () => Promise<OwnServer>): Promise<OwnServer> {
  const usual = process.env['TMPDIR'];
  process.env['TMPDIR'] = disk;
  try {
    return await open();
  } finally {
    if (usual === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usual;
  }
}

/** Leaves next to nothing free; the returned function gives it back. */
function fill(disk: string): () => void {
  const { bavail, bsize } = statfsSync(disk);
  const file = join(disk, 'filling');
  const left = 6 * 2 ** 20;
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - left)));
  return () => rmSync(file);
}
