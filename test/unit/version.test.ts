/** Versions: that of this release, and those of a type's contexts, which of them are ones and which a release can read. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { RELEASE } from '../../src/core/release.ts';
import { isVersion, readableVersions } from '../../src/core/version.ts';

it('this release is that of the package', () => {
  const file = join(import.meta.dirname, '..', '..', 'package.json');
  assert.equal(RELEASE, (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version);
});

it('a version is a whole number from 1 to a million', () => {
  for (const version of [1, 2, 1_000_000]) assert.equal(isVersion(version), true);
  for (const other of [0, -1, 1.5, 1_000_001, '1', null, undefined, NaN])
    assert.equal(isVersion(other), false);
});

it('a release reads its own version, and with an upgrade all before it', () => {
  assert.deepEqual(readableVersions({}), { from: 1, to: 1 });
  assert.deepEqual(readableVersions({ version: 3 }), { from: 3, to: 3 });
  assert.deepEqual(readableVersions({ version: 3, upgrade: () => undefined }), { from: 1, to: 3 });
});
