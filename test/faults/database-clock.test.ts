/**
 * The clock of the database itself is set, by a minute, while tasks run: the only clock that counts. Set back, it ends no lease
 * too early; set forward, it ends them all, and tasks are run once more, but none is lost and no checkpoint goes back. SQLite's
 * clock is that of each process.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fakedClock, findFaketime, turnClock } from '../../scripts/libfaketime.ts';
import { startPrivateMariadb } from '../../scripts/mariadb.ts';
import { startPrivatePostgres } from '../../scripts/private-postgres.ts';
import type { BackendName } from '../backends.ts';
import { RESUMED } from '../chaos/tasks.ts';
import { onBackend } from '../support/databases.ts';
import { Fleet, type ReplicaProcess } from '../support/process.ts';
import { reaches, until } from '../support/system.ts';

type StartServer = (env: NodeJS.ProcessEnv) => Promise<{ readonly url: string; close(): Promise<void> }>;

const SERVERS: readonly (readonly [BackendName, StartServer])[] = [
  ['postgres', (env) => startPrivatePostgres([], env)],
  ['mysql', (env) => startPrivateMariadb([], env)],
];
const MINUTE = 60;
const LEASE = 3000;
const WORK = { steps: 200, ms: 20 };
const library = findFaketime();

describe(
  'a database whose clock is set',
  { skip: library === undefined && 'libfaketime is not to be had here' },
  () => {
    for (const [name, start] of SERVERS)
      onBackend(name, () => {
        it('back by a minute: nobody loses a task', async (t) => {
          const { fleet, turn } = await faked(start, t);
          const { baton, ids } = await atWork(fleet);
          turn(-MINUTE);
          for (const id of ids) {
            const { crashes, epoch } = await reaches(baton, id, 'finished');
            assert.deepEqual({ crashes, epoch }, { crashes: 0, epoch: 1 });
          }
        });

        it('forward by a minute: whoever loses a task stops, and others go on from what was acknowledged', async (t) => {
          const { fleet, turn } = await faked(start, t);
          const { baton, ids, crew } = await atWork(fleet);
          turn(MINUTE);
          let again = 0;
          for (const id of ids) {
            const { context, epoch } = await reaches(baton, id, 'finished');
            assert.deepEqual(context, { step: WORK.steps });
            assertGoesOn(crew, id);
            again += epoch - 1;
          }
          t.diagnostic(`${again} claims more than tasks`);
        });
      });
  },
);

/** A fleet on a server of its own, and how to set that server's clock. */
async function faked(
  start: StartServer,
  t: TestContext,
): Promise<{ readonly fleet: Fleet; readonly turn: (seconds: number) => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-clock-'));
  // The server may run as somebody else.
  chmodSync(folder, 0o755);
  const file = join(folder, 'clock');
  turnClock(file, 0);
  const server = await start(fakedClock(library ?? '', file));
  const fleet = new Fleet({ url: server.url, prefix: 'clock_', close: async () => undefined }, t);
  t.after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
  return { fleet, turn: (seconds) => turnClock(file, seconds) };
}

async function atWork(fleet: Fleet) {
  const crew = await Promise.all([1, 2, 3].map(() => fleet.spawn({ lease: LEASE, concurrency: 3 })));
  const baton = fleet.controller();
  const ids = await Promise.all(Array.from({ length: 9 }, () => baton.createTask(RESUMED, WORK)));
  await until('all have reported', () =>
    ids.every((id) => crew.some((one) => one.ledger('acked', id).length > 0)),
  );
  return { crew, baton, ids };
}

/** Each claim of the task began where the ones before had been told that they are, or behind it. */
function assertGoesOn(crew: readonly ReplicaProcess[], id: number): void {
  const entries = crew
    .flatMap((one) => one.ledger(undefined, id))
    .toSorted((one, other) => one.at - other.at);
  for (const { epoch, step = 0 } of entries.filter(({ what }) => what === 'begin')) {
    const before = entries.filter((entry) => entry.what === 'acked' && entry.epoch < epoch);
    const told = Math.max(0, ...before.map((entry) => entry.step ?? 0));
    assert.ok(
      step >= told,
      `claim ${epoch} of task ${id} went on from ${step}, and ${told} was acknowledged`,
    );
  }
}
