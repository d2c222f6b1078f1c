/** The command that tells what has happened to a task: by whom, why, where and when. */
import type { HistoryEntry } from '../../core/history.ts';
import { type Command, command } from '../command.ts';
import { percent } from '../screen/bar.ts';
import { type Line, safeJson } from '../screen/line.ts';
import type { Column } from '../screen/table.ts';
import { tableRows } from '../screen/table.ts';
import { moment } from '../screen/time.ts';
import type { Session } from '../session.ts';
import { namesOf, statePiece } from '../view/task.ts';

export const history: Command = command({
  name: 'history',
  section: 'Tasks',
  summary: 'Tells what has happened to a task: by whom, why, on which replica and when.',
  about: 'Where it goes on is followed with --follow, in all replicas, until Ctrl-C.',
  arguments: { id: { kind: 'id', about: 'The task.' } },
  options: {
    limit: { kind: 'number', value: 'N', about: 'At most so many entries, up to 1000; 100.' },
    since: { kind: 'text', value: 'CURSOR', about: 'Go on behind this entry: the next of the page before.' },
    follow: { kind: 'flag', short: 'f', about: 'All of it, and then what comes, as it comes.' },
    redacted: { kind: 'flag', about: 'Only what the configuration lets through of payloads.' },
  },
  examples: ['history 42', 'history 42 --follow', 'history 42 --json | jq .entries[].event'],
  async run({ id, limit, since, follow, redacted }, session) {
    const baton = await session.baton();
    const names = namesOf(await baton.replicas());
    if (follow === true) return followTask(session, id, since, redacted === true, names);
    const page = await baton.history(id, {
      ...(limit === undefined ? {} : { limit }),
      after: since,
      redacted: redacted === true,
    });
    return {
      json: { entries: page.entries, next: page.next ?? null },
      show: (screen) => {
        if (page.entries.length === 0 && screen.live)
          return [[['Nothing is remembered of it; see the option history.', 'dim']]];
        const more: readonly Line[] =
          page.next === undefined || !screen.live
            ? []
            : [[], [[`There is more: taskbaton history ${id} --since ${page.next}`, 'dim']]];
        return [...screen.table(entryColumns(names), page.entries), ...more];
      },
    };
  },
});

async function followTask(
  session: Session,
  task: number,
  since: string = 'start',
  redacted: boolean,
  names: ReadonlyMap<string, string>,
): Promise<undefined> {
  const ending = new AbortController();
  const off = session.host.onSignal(() => ending.abort());
  const baton = await session.baton();
  const screen = session.screen();
  try {
    for await (const entry of baton.events({ since, task, redacted, signal: ending.signal })) {
      if (session.json) session.host.stdout.write(`${safeJson(entry)}\n`);
      else if (screen.live) screen.print([entryLine(entry, names)]);
      else screen.print(tableRows(entryColumns(names), [entry]).slice(1));
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    off();
  }
  return undefined;
}

/** Where lines come one by one, nobody knows how wide the columns will be. */
function entryLine(entry: HistoryEntry, names: ReadonlyMap<string, string>): Line {
  return [
    [moment(entry.at), 'dim'],
    `  ${entry.event.padEnd(8)}`,
    ...stateCell(entry),
    '  ',
    ...whoCell(entry, names),
    '  ',
    ...aboutCell(entry),
  ];
}

function entryColumns(names: ReadonlyMap<string, string>): readonly Column<HistoryEntry>[] {
  return [
    { head: 'at', cell: ({ at }) => [[moment(at), 'dim']], value: ({ at }) => at.toISOString() },
    { head: 'event', cell: ({ event }) => [event] },
    { head: 'state', cell: stateCell, value: ({ to }) => to },
    { head: 'by', least: 8, cell: (entry) => whoCell(entry, names), value: ({ actor }) => actor },
    { head: 'replica', programsOnly: true, cell: ({ replica }) => [replica ?? ''] },
    {
      head: 'epoch',
      rank: 2,
      align: 'right',
      cell: ({ epoch }) => [[`${epoch ?? ''}`, 'dim']],
      value: ({ epoch }) => epoch,
    },
    {
      head: 'progress',
      rank: 3,
      align: 'right',
      cell: ({ progress }) => [percent(progress)],
      value: ({ progress }) => progress,
    },
    { head: 'about', least: 10, cell: aboutCell },
  ];
}

function stateCell({ from, to }: HistoryEntry): Line {
  if (to === undefined || to === from) return [['·', 'dim']];
  return to === 'removed' ? [['† removed', 'gray']] : statePiece(to);
}

function whoCell({ actor, replica }: HistoryEntry, names: ReadonlyMap<string, string>): Line {
  if (actor !== undefined) return [actor];
  if (replica === undefined) return [['–', 'dim']];
  return [[names.get(replica) ?? `${replica.slice(0, 8)} †`, 'cyan']];
}

/** Why somebody did it, what a handler logged, or what went wrong. */
function aboutCell({ reason, error, level, message, fields }: HistoryEntry): Line {
  const details = fields === undefined ? '' : safeJson(fields);
  if (error !== undefined) return [[`${error.name}: ${error.message}`, 'red']];
  if (level !== undefined)
    return [
      [`${level} `, level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'dim'],
      `${message ?? ''} ${details}`,
    ];
  return [[reason, details].filter((text) => text !== undefined && text !== '').join('  ')];
}
