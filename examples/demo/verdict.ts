/**
 * The end of the play: what became of each task as a table, and the checks that decide whether the demo passes.
 */
import type { DataSet } from '../support/data-set.ts';
import { coloured } from './display.ts';
import { BATCH } from './import-rows.ts';
import type { Outcome, Passed } from './script.ts';
import { count, type Part, type Stage } from './stage.ts';
import { checksumOf, type Share, type Target } from './target.ts';
import { column, type Line, wrap } from './terminal.ts';

export interface Check {
  readonly holds: boolean;
  readonly text: string;
}

export async function verify(
  stage: Stage,
  target: Target,
  data: DataSet,
  outcome: Outcome,
): Promise<Check[]> {
  return [...(await checkRows(target, data, outcome)), ...checkTasks(stage, outcome, await target.shares())];
}

async function checkRows(target: Target, data: DataSet, { deleted }: Outcome): Promise<Check[]> {
  const { from, to } = deleted.part.range;
  const expected = data.rows
    .map((fields, index) => [index + 1, fields] as const)
    .filter(([line]) => line < from || line > to);
  const found = await target.rows();
  const distinct = new Set(found.map(([line]) => line)).size;
  const [checksum, sum] = [checksumOf(found), checksumOf(expected)];
  return [
    {
      holds: found.length === expected.length,
      text: `${count(found.length)} rows are in the table: ${count(data.rows.length)} of the file without the ${count(to + 1 - from)} of the deleted task`,
    },
    { holds: checksum === sum, text: `checksum ${checksum}, as of those rows in the file (${sum})` },
    { holds: distinct === found.length, text: 'no row is there twice' },
  ];
}

function checkTasks(stage: Stage, outcome: Outcome, shares: readonly Share[]): Check[] {
  const { paused, moved, deleted, stopped, killed } = outcome;
  const finished = stage.parts.filter(({ task, gone }) => !gone && task.state === 'finished');
  return [
    { holds: finished.length === stage.parts.length - 1, text: `${finished.length} tasks are finished` },
    {
      holds: paused.row === paused.rowLater,
      text: `the paused task ${paused.part.id} stood still at row ${count(paused.row)} until it was resumed`,
    },
    {
      holds: moved.epochKept && moved.part.task.group === 'night',
      text: `task ${moved.part.id} was moved to another group without being interrupted`,
    },
    {
      holds: deleted.rows > 0 && deleted.rowsLeft === 0 && deleted.part.gone,
      text: `the deleted task ${deleted.part.id} took its ${count(deleted.rows)} rows with it`,
    },
    {
      holds: wentOn(stopped.tasks, shares, 0) && stopped.tasks.every(({ part }) => part.task.attempt === 1),
      text: `replica ${stopped.member.letter} stopped gracefully; handed over: ${wentOnText(stopped.tasks)}`,
    },
    {
      holds: wentOn(killed.tasks, shares, BATCH) && killed.tasks.every(({ part }) => part.task.crashes > 0),
      text: `replica ${killed.member.letter} was killed; resumed: ${wentOnText(killed.tasks)}`,
    },
    {
      holds: stage.parts.every((part) => inOrder(shares.filter(({ task }) => task === part.id))),
      text: 'each owner of a task went on behind the rows of the one before it',
    },
  ];
}

/** The first time that a task began after it left a replica. */
function nextBeginning({ part, epoch }: Passed): Part['beginnings'][number] | undefined {
  return part.beginnings.find((beginning) => beginning.epoch > epoch);
}

/** There were some, and each went on behind its last row, or at most so many rows before, which came twice then. */
function wentOn(tasks: readonly Passed[], shares: readonly Share[], again: number): boolean {
  return (
    tasks.length > 0 &&
    tasks.every((passed) => {
      const { part } = passed;
      const next = nextBeginning(passed);
      const before = shares.filter(({ task, epoch }) => task === part.id && epoch < (next?.epoch ?? 0));
      const behind = Math.max(part.range.from - 1, ...before.map(({ last }) => last)) + 1;
      return next !== undefined && next.row <= behind && next.row >= behind - again;
    })
  );
}

function wentOnText(tasks: readonly Passed[]): string {
  return tasks
    .map((passed) => {
      const next = nextBeginning(passed);
      return `task ${passed.part.id} at row ${count(next?.row ?? 0)} by ${next?.letter}`;
    })
    .join(', ');
}

function inOrder(shares: readonly Share[]): boolean {
  return shares.every((share, index) => index === 0 || share.first > (shares[index - 1]?.last ?? 0));
}

const ID = 5;
const ROWS = 5;
const STATE = 8;
const WHO = 30;
const NO_BREAK = '\u00A0';
const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** What became of each task, in lines of at most `width`. */
export async function summarize(stage: Stage, target: Target, width: number): Promise<Line[]> {
  const shares = await target.shares();
  const happened = width - ID - ROWS - STATE - WHO - 8;
  const head = [
    column(' task', ID),
    column('rows', ROWS, 'right'),
    column('state', STATE),
    column('by (replica, epoch, rows)', WHO),
    'what happened',
  ];
  return [[[head.join(''), 'dim']], ...stage.parts.flatMap((part) => partLines(part, shares, happened))];
}

function partLines(part: Part, shares: readonly Share[], width: number): Line[] {
  const own = shares.filter(({ task }) => task === part.id);
  const rows = own.reduce((sum, share) => sum + share.rows, 0);
  const who = wrap(whoRan(part, own), WHO);
  const story = part.story.length === 0 ? ['ran through'] : part.story.flatMap((text) => wrap(text, width));
  return Array.from({ length: Math.max(who.length, story.length) }, (_, index): Line => {
    const first = index === 0;
    return [
      column(first ? `${part.id}`.padStart(4) : '', ID),
      column(first ? count(rows) : '', ROWS, 'right'),
      [column(first ? (part.gone ? 'deleted' : part.task.state) : '', STATE), part.gone ? 'red' : 'green'],
      ...coloured(column(who[index] ?? '', WHO)),
      story[index] ?? '',
    ];
  });
}

function whoRan({ beginnings, gone }: Part, shares: readonly Share[]): string {
  return beginnings
    .map(({ letter, epoch, queue }) => {
      const rows = count(shares.find((share) => share.epoch === epoch)?.rows ?? 0);
      const raised = `${epoch}`.replaceAll(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] ?? digit);
      return `${letter}${raised}${NO_BREAK}${queue === 'cleanup' ? 'cleanup' : gone ? 'removed' : rows}`;
    })
    .join(' → ');
}

/** The checks in lines of at most `width`. */
export function checkLines(checks: readonly Check[], width: number): Line[] {
  return checks.flatMap(({ holds, text }) =>
    wrap(text, width - 3).map((words, index): Line => [
      index > 0 ? '   ' : ' ',
      index > 0 ? '' : holds ? ['✔ ', 'green'] : ['✘ ', 'red'],
      words,
    ]),
  );
}
