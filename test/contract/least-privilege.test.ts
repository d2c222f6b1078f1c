/**
 * With no rights but those that the guide names, everything works and nothing can be made or changed but rows: the contract of the
 * store, and lifecycles of whole systems, run by a user who owns no table.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { openDatabase } from '../../src/database/open.ts';
import { allTables, tablesOf } from '../../src/store/schema.ts';
import { CONTRACT } from '../../src/testing/contract.ts';
import { declareOperation } from '../../src/testing/operation.ts';
import { onBackend } from '../support/databases.ts';
import { grantsFor, LEAST_PRIVILEGE, withLeastPrivilege } from '../support/least-privilege.ts';
import { openContractStore } from '../support/stores.ts';

/** These make tables of their own, ours, or those of another system. */
const OWNERS: ReadonlySet<string> = new Set(['database', 'migrate', 'hints']);

/** Lives of whole systems, in which everything occurs that a system does. */
const LIVES = ['control', 'drain', 'fairness', 'go-async', 'bulk', 'schedules', 'children', 'retention'];

describe('the rights in the guide', () => {
  for (const name of ['postgres', 'mysql'] as const) {
    it(`are for all of our tables (${name})`, () => {
      const granted =
        grantsFor(name, 'x_')
          .join('\n')
          .match(/\bx_\w+/g) ?? [];
      const expected = new Set([...allTables(tablesOf('x_', undefined)), 'x_worker']);
      assert.deepEqual(new Set(granted), expected);
    });
  }
});

for (const name of ['postgres', 'mysql'] as const) {
  onBackend(name, (backend) => {
    const restricted = withLeastPrivilege(backend);

    for (const operation of CONTRACT) {
      if (!OWNERS.has(operation.name)) declareOperation(operation, () => openContractStore(restricted));
    }

    it('nothing can be made, changed or dropped but rows', async () => {
      const world = await restricted.open();
      const database = await openDatabase(world.url, { clock: systemClock });
      const task = `${world.prefix}task`;
      for (const ddl of [
        `CREATE TABLE ${world.prefix}other (id INTEGER)`,
        `ALTER TABLE ${task} ADD COLUMN other INTEGER`,
        `CREATE INDEX ${world.prefix}other ON ${task} (id)`,
        `DROP TABLE ${task}`,
        `INSERT INTO ${world.prefix}migration (version, applied_at) VALUES (1000, 0)`,
        `DELETE FROM ${world.prefix}control`,
      ]) {
        await assert.rejects(database.query(ddl), { code: 'DATABASE_FAILED' }, ddl);
      }
      await database.close();
      await world.close();
    });

    describe('whole systems live as they do otherwise:', { concurrency: 2 }, () => {
      for (const life of LIVES) {
        it(life, async () => {
          const env = {
            ...process.env,
            BACKENDS: name,
            [LEAST_PRIVILEGE]: '1',
            NODE_TEST_CONTEXT: undefined,
          };
          const child = spawn(process.execPath, ['--test', `test/lifecycle/${life}.test.ts`], { env });
          let output = '';
          for (const stream of [child.stdout, child.stderr])
            stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
          const code = await new Promise((resolve) => child.once('close', resolve));
          assert.equal(code, 0, output.slice(-4000));
          assert.match(output, /pass [1-9]/);
        });
      }
    });
  });
}
