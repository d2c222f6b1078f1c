/** Everything that happened to a task: its events, with who asked for them and why, and what its handler wrote. */
import { useState } from 'preact/hooks';
import type { HistoryView } from '../../../src/dashboard/api.ts';
import { replicaName } from '../live/replica-names.ts';
import { Empty } from '../parts/feedback.tsx';
import { StateIcon } from '../parts/state.tsx';
import { At } from '../parts/time.tsx';
import { bytes, count, percent } from '../text/format.ts';
import { text } from '../text/text.ts';

/** So many reports in a row are told as one line. */
const MANY = 3;
const SHOWN_AT_FIRST = 40;

type Row = HistoryView | readonly HistoryView[];

export function HistoryList({ entries }: { entries: readonly HistoryView[] }) {
  const words = text().history;
  const [all, showAll] = useState(false);
  const rows = gather(entries.filter(({ event }) => event !== 'log')).toReversed();
  const shown = all ? rows : rows.slice(0, SHOWN_AT_FIRST);
  if (rows.length === 0) return <Empty icon="schedules" title={words.none} />;
  return (
    <>
      <ol class="history">
        {shown.map((row) =>
          isEntry(row) ? (
            <Entry entry={row} key={row.cursor} />
          ) : (
            <Reports reports={row} key={`reports ${row[0]?.cursor ?? ''}`} />
          ),
        )}
      </ol>
      {rows.length > shown.length ? (
        <button type="button" class="link" onClick={() => showAll(true)}>
          {words.more(count(rows.length - shown.length))}
        </button>
      ) : null}
    </>
  );
}

function isEntry(row: Row): row is HistoryView {
  return !Array.isArray(row);
}

function gather(entries: readonly HistoryView[]): readonly Row[] {
  const runs: HistoryView[][] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    if (entry.event === 'report' && run?.[0]?.event === 'report') run.push(entry);
    else runs.push([entry]);
  }
  return runs.flatMap((run): readonly Row[] => (run.length > MANY ? [run] : run));
}

function Reports({ reports }: { reports: readonly HistoryView[] }) {
  const [open, setOpen] = useState(false);
  const first = reports[0];
  const last = reports.at(-1);
  if (first === undefined || last === undefined) return null;
  if (open) {
    return (
      <>
        {reports.toReversed().map((entry) => (
          <Entry entry={entry} key={entry.cursor} />
        ))}
      </>
    );
  }
  return (
    <li class="history-entry">
      <span class="history-dot dot-report" />
      <span class="history-time">
        <At at={last.at} />
      </span>
      <span class="history-words">
        <button type="button" class="link" onClick={() => setOpen(true)}>
          {text().history.reports(count(reports.length))}
        </button>
        {last.progress === null ? null : (
          <span class="faint">
            {' '}
            {percent(first.progress ?? 0)} → {percent(last.progress)}
          </span>
        )}
      </span>
    </li>
  );
}

function Entry({ entry }: { entry: HistoryView }) {
  const words = text();
  const { event, at, from, to, actor, reason, replica, progress, error } = entry;
  const names: Readonly<Record<string, string>> = words.events;
  return (
    <li class="history-entry">
      <span class={`history-dot dot-${event}`} />
      <span class="history-time">
        <At at={at} />
      </span>
      <span class="history-words">
        <b>{names[event] ?? event}</b>
        {to === null || to === 'removed' || to === from ? null : (
          <span class="history-state">
            <StateIcon state={to} />
            {words.states[to]}
          </span>
        )}
        {progress === null ? null : <span>{percent(progress)}</span>}
        {entry.bytes === null ? null : <span class="faint">{bytes(entry.bytes)}</span>}
        {actor === null ? null : <span>{words.history.by(actor)}</span>}
        {replica === null ? null : <span class="faint">{words.history.on(replicaName(replica))}</span>}
        {entry.epoch === null || event !== 'claim' ? null : (
          <span class="faint">{words.history.epoch(count(entry.epoch))}</span>
        )}
        {reason === null || reason === '' ? null : <q>{reason}</q>}
        {error === null ? null : (
          <span class="history-message">
            {error.name}: {error.message}
          </span>
        )}
      </span>
    </li>
  );
}

export function LogList({ entries }: { entries: readonly HistoryView[] }) {
  const words = text().log;
  const lines = entries.filter(({ event }) => event === 'log');
  if (lines.length === 0) return <Empty icon="tasks" title={words.none} />;
  return (
    <ol class="log" tabIndex={0} aria-label={words.title}>
      {lines.slice(-300).map((line) => (
        <li class={`log-${line.level ?? 'info'}`} key={line.cursor}>
          <At at={line.at} />
          <span class="log-level">{line.level ?? 'info'}</span>
          <span class="log-words">{line.message}</span>
        </li>
      ))}
    </ol>
  );
}
