/** Finding tasks, on every database; the cases are in `src/testing`. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { search } from '../../src/testing/contract/search.ts';
import { openBench } from '../../src/testing/bench.ts';
import { backends } from '../backends.ts';
import { eachStore, openContractStore } from '../support/stores.ts';

eachStore(search);

for (const backend of backends.filter(({ name }) => name === 'postgres')) {
  it('PostgreSQL compares names by their bytes, whatever language its database sorts by', async () => {
    const bench = await openBench(() => openContractStore(backend));
    try {
      const { rows } = await bench.database.query(
        `SELECT column_name FROM information_schema.columns
         WHERE table_name = ? AND column_name IN ('type', 'task_user', 'task_group', 'task_key') AND collation_name = 'C'`,
        [`${bench.world.prefix}task`],
      );
      assert.equal(rows.length, 4);
    } finally {
      await bench.close();
    }
  });
}
