/** What the page about proofs promises: that every check which it names is there. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PROPERTIES } from '../scripts/model/properties.ts';
import { SEARCHES } from '../scripts/model/searches.ts';
import type { Check } from '../scripts/proof/checks.ts';
import { FAULTS } from '../scripts/proof/faults.ts';
import { FIGURES } from '../scripts/proof/figures.ts';
import { INVARIANTS } from '../scripts/proof/invariants.ts';

const ROOT = join(import.meta.dirname, '..');

describe('the page about proofs', () => {
  it('has each invariant once, in order, and each has a check', () => {
    const ids = INVARIANTS.map(({ id }) => id);
    assert.deepEqual(
      ids,
      Array.from({ length: 20 }, (_, index) => `I${index + 1}`),
    );
    for (const { id, checks } of INVARIANTS) assert.ok(checks.length > 0, id);
  });

  it('names tests that exist, by names they have', () => {
    for (const { id, checks } of INVARIANTS) for (const check of checks) assertThere(id, check);
    for (const { id, tests } of FAULTS) for (const check of tests) assertThere(id, check);
  });

  it('names properties that the models are searched for, both to hold and to break', () => {
    for (const property of Object.keys(PROPERTIES)) {
      const live = property.endsWith('_end');
      const holding = SEARCHES.filter(({ expected }) => expected === 'holds');
      assert.ok(
        holding.some(({ only }) => (live ? only === property : only === undefined)),
        property,
      );
      const breaking = SEARCHES.filter(({ expected }) => expected === 'breaks');
      assert.ok(
        live || breaking.some(({ model, only }) => model !== 'go-async' && only === property),
        property,
      );
    }
  });

  it('tells of no violation', () => {
    for (const { what, violations } of FIGURES) assert.equal(violations, 0, what);
  });
});

function assertThere(id: string, check: Check): void {
  if ('property' in check) return assert.ok(check.property in PROPERTIES, `${id}: ${check.property}`);
  const path = join(ROOT, check.file);
  assert.ok(existsSync(path), `${id}: there is no ${check.file}`);
  const source = readFileSync(path, 'utf8');
  assert.ok(source.includes(check.test), `${id}: ${check.file} has no test '${check.test}'`);
}
