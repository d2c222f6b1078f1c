/**
 * Every example runs to its end on every database, finds its own result right, and leaves nothing behind.
 */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { it } from 'node:test';
import { eachBackend } from './backends.ts';
import { runProgram } from './support/program.ts';

const EXAMPLES = globSync('examples/*.ts').toSorted();

it('there are examples', () => {
  assert.ok(EXAMPLES.length >= 4, `found ${EXAMPLES.join(', ')}`);
});

eachBackend((backend) => {
  for (const example of EXAMPLES) {
    it(`the example ${basename(example, '.ts')} passes its own checks`, async (t) => {
      const place = await backend.open();
      t.after(() => place.close());
      const { code, output } = await runProgram(example, [place.url], { TASKBATON_PREFIX: place.prefix });
      assert.equal(code, 0, output);
      assert.match(output, /✔/);
      assert.doesNotMatch(output, /✘|Warning/);
    });
  }
});

it('an example on a database that does not answer says so and fails', async () => {
  const { code, output } = await runProgram('examples/dot-product.ts', [
    'postgres://nobody@127.0.0.1:1/none',
  ]);
  assert.equal(code, 1);
  assert.match(output, /DATABASE_UNAVAILABLE/);
});
