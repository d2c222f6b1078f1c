/** How bad a problem is. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SEVERITIES } from '../../src/core/overview.ts';

it('a problem is an error where something can’t go on by itself, and else a warning', () => {
  const errors = [
    'blocked-loop',
    'failed-cleanup',
    'no-replica-for-type',
    'no-replica-for-version',
    'stopping-too-long',
  ];
  const warnings = ['failed-tasks', 'lease-ending', 'paused-scope-with-waiting'];
  const of = (severity: string): readonly string[] =>
    Object.entries(SEVERITIES)
      .filter(([, one]) => one === severity)
      .map(([kind]) => kind)
      .toSorted();
  assert.deepEqual([of('error'), of('warning')], [errors, warnings]);
});
