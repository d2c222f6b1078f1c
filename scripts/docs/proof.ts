/** `docs/proof.md`: what holds, how it is checked, what was done to break it, and what the last long runs came to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROPERTIES, type Property } from '../model/properties.ts';
import type { Recorded } from '../model/record.ts';
import type { Check } from '../proof/checks.ts';
import { FAULTS } from '../proof/faults.ts';
import { FIGURES } from '../proof/figures.ts';
import { INVARIANTS } from '../proof/invariants.ts';
import { sequence } from '../proof/sequence.ts';
import { table } from './markdown.ts';

/** What is to be seen at the end of a way to a violation. */
const VIOLATIONS: Readonly<
  Partial<Record<Property, readonly [heading: string, told: string, seen: string]>>
> = {
  STALE: [
    'A stale owner writes',
    'Its heartbeats did not get through, so its task is nobody’s any more; what it writes is accepted all the same.',
    'a write of whoever lost the task is accepted',
  ],
  ACKED: [
    'A context goes back',
    'Both nodes were told that their contexts are stored, and the second one’s undoes what the first one was told.',
    'the context has gone back',
  ],
  TERMINAL: [
    'What has finished is made to have failed',
    'The cleaner reads who looks dead and writes by the id: what happened in between is overwritten.',
    'a finished task has failed',
  ],
  ALONE: [
    'Two handlers are at work',
    'The first node is alive and knows nothing; the second one runs the same task beside it.',
    'two handlers are at work, and neither knows',
  ],
  CLEANUP: [
    'A cleanup is skipped',
    'The end of the run asks for the record to be removed, and nobody looks whether a delete, and so a cleanup, is due.',
    'the row is gone, and nothing was cleaned up',
  ],
  ENDS: [
    'A task that is to go never goes',
    'A failed delete is a status that nothing leads out of: not listed, not readable, not deletable.',
    'failed, to be deleted: for ever',
  ],
};

export function proofPage(): string {
  const record = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', '..', 'model', 'record.json'), 'utf8'),
  ) as readonly Recorded[];
  return `# What is proved, and how

taskbaton’s claim is that a replica which is stopped, killed, frozen or cut off loses nothing and doubles nothing. This page says
what that means in twenty sentences, where each is checked, what is done to break them, and what the last long runs came
to. It is made by \`npm run docs\` from [\`scripts/proof\`](../scripts/proof) and [\`model/record.json\`](../model/record.json); a test
makes sure that every check it names is there.

What it does not say: that a handler’s effects outside the database happen once. A handler runs at least once from its last
checkpoint; exactly once is what it writes [in the same transaction](guide/transactions.md) as its report.

## Figures

${table(
  ['What', 'Came to', 'Violations', 'Again with'],
  [
    ...FIGURES.map(({ what, came, violations, command }) => [
      what,
      came,
      String(violations),
      `\`${command}\``,
    ]),
    modelFigure(record),
  ],
)}

## What holds

*Model* is the formal model below. A file under \`src/testing/contract\` runs on SQLite, PostgreSQL and MySQL or MariaDB alike.

${INVARIANTS.map(({ id, statement, checks }) => listed(id, statement, checks)).join('\n\n')}

## What is done to break it

${FAULTS.map(({ id, what, tests }) => listed(id, what, tests)).join('\n\n')}

## The formal model

[\`model/taskbaton.pml\`](../model/taskbaton.pml) is the protocol for one task as [Spin](https://spinroot.com) reads it: claims, reports,
ends, looks, leases and rescues as steps that may come in any order, on three replicas. Statements are carried out after their
sender has crashed or while it is frozen, answers are lost, leases end. Statuses move by [\`model/status.pml\`](../model/status.pml), which is made
from the same table that the product’s SQL is made from, so the two can’t drift apart. \`npm run model\` goes through
every state that can be reached within the bounds, and installs Spin if need be. [\`model/limits.pml\`](../model/limits.pml) is of several tasks, and
only about who may start.

${table(
  ['Property', 'Meaning'],
  Object.entries(PROPERTIES).map(([name, meaning]) => [`\`${name}\``, meaning]),
)}

Steps that change nothing for anybody else are not told apart: a statement whose sender stays awake is carried out when it is
sent, and replicas that have nothing to do with the task stand for one another. Within these bounds, nothing is left out:

${table(
  ['Bounds', 'Holds', 'States', 'Seconds', 'MB'],
  record.filter(({ expected }) => expected === 'holds').map(searchRow),
)}

A property that nothing can break says nothing. Each breaks where a rule is dropped:

${table(
  ['Without the rule that', 'Breaks', 'States until then'],
  record
    .filter(({ expected, model }) => expected === 'breaks' && model !== 'go-async')
    .map(({ name, only, states }) => [name, `\`${only ?? ''}\``, count(states)]),
)}

## By the rules of go-async

[\`model/go-async.pml\`](../model/go-async.pml) is the same task by the rules of the library that taskbaton comes from: no owner, a heartbeat as a
time in the row, writes by the id alone, a cleaner that reads first and writes then. \`MARKS\` holds there too. The other
properties break; these are the shortest ways.

${record
  .filter(({ model }) => model === 'go-async')
  .map(violation)
  .join('\n\n')}
`;
}

function modelFigure(record: readonly Recorded[]): readonly string[] {
  const holding = record.filter(({ expected }) => expected === 'holds');
  const states = holding.reduce((sum, search) => sum + search.states, 0);
  return [
    'States of the formal models',
    `${count(states)} states in ${holding.length} searches; ${record.length - holding.length} searches without a rule, or by go-async’s, found what they should`,
    '0',
    '`npm run model`',
  ];
}

function searchRow({ name, only, bounds, states, seconds, megabytes }: Recorded): readonly string[] {
  const { REPLICAS = 3, FAULTS: faults, WISHES: wishes } = bounds;
  const what = `${name} (${REPLICAS} replicas, faults: ${faults}, wishes: ${wishes})`;
  return [
    what,
    only === undefined ? 'all' : `\`${only}\``,
    count(states),
    seconds.toFixed(1),
    String(megabytes),
  ];
}

function violation({ only, steps = [] }: Recorded): string {
  const [heading, told, seen] = (only === undefined ? undefined : VIOLATIONS[only]) ?? ['', '', ''];
  return `### ${heading}\n\n${told}\n\n${sequence(steps, seen)}`;
}

function listed(id: string, sentence: string, checks: readonly Check[]): string {
  return [`**${id}.** ${sentence}`, '', ...checks.map((check) => `- ${checkText(check)}`)].join('\n');
}

function checkText(check: Check): string {
  if ('property' in check) return `[model](#the-formal-model): \`${check.property}\``;
  const { file, test } = check;
  return `[${file.replace(/^.*\//, '')}](../${file}): ${test}`;
}

function count(number: number): string {
  return number.toLocaleString('en');
}
