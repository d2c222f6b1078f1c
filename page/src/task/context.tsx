/** What the task goes on from, now or at any checkpoint that the history keeps, and what each checkpoint changed. */
import { useId, useState } from 'preact/hooks';
import type { HistoryView, TaskView } from '../../../src/dashboard/api.ts';
import { Icon } from '../parts/icon.tsx';
import { At } from '../parts/time.tsx';
import { bytes, count, percent } from '../text/format.ts';
import { text } from '../text/text.ts';
import { Json, JsonChanges } from './json.tsx';

export function ContextCard({ task, entries }: { task: TaskView; entries: readonly HistoryView[] }) {
  const words = text().context;
  const reports = entries.filter(({ event, bytes: size }) => event === 'report' || size !== null);
  const kept = reports.filter(({ context }) => context !== undefined);
  const [picked, pick] = useState<number | undefined>(undefined);
  const [changes, showChanges] = useState(false);
  const index = Math.min(picked ?? kept.length - 1, kept.length - 1);
  const at = kept[index];
  const value = picked === undefined || at === undefined ? task.context : at.context;
  const size = reports.at(-1)?.bytes;
  return (
    <section class="card" aria-labelledby="context">
      <header class="card-head">
        <h2 id="context">{task.state === 'finished' ? words.result : words.title}</h2>
        <p class="card-note">
          {reports.length === 0 ? null : words.checkpoints(count(reports.length))}
          {size === null || size === undefined ? null : ` · ${bytes(size)}`}
        </p>
      </header>
      {kept.length < 2 ? null : (
        <Picker
          kept={kept}
          index={index}
          latest={picked === undefined}
          changes={changes}
          pick={(next) => pick(next >= kept.length - 1 ? undefined : next)}
          showChanges={showChanges}
        />
      )}
      {value === undefined || value === null ? (
        <p class="card-empty">{size === undefined && task.progress === null ? words.none : words.hidden}</p>
      ) : changes && kept.length >= 2 ? (
        <JsonChanges before={kept[index - 1]?.context ?? {}} after={at?.context} label={words.title} />
      ) : (
        <Json value={value} label={words.title} />
      )}
    </section>
  );
}

interface PickerProps {
  readonly kept: readonly HistoryView[];
  readonly index: number;
  readonly latest: boolean;
  readonly changes: boolean;
  readonly pick: (index: number) => void;
  readonly showChanges: (changes: boolean) => void;
}

function Picker({ kept, index, latest, changes, pick, showChanges }: PickerProps) {
  const words = text().context;
  const slider = useId();
  const at = kept[index];
  return (
    <div class="picker">
      <label for={slider} class="visually-hidden">
        {words.pick}
      </label>
      <button
        type="button"
        class="button quiet square"
        aria-label={words.earlier}
        disabled={index === 0}
        onClick={() => pick(index - 1)}
      >
        <Icon name="newer" />
      </button>
      <input
        id={slider}
        type="range"
        min={0}
        max={kept.length - 1}
        value={index}
        onInput={(event) => pick(event.currentTarget.valueAsNumber)}
      />
      <button
        type="button"
        class="button quiet square"
        aria-label={words.later}
        disabled={index === kept.length - 1}
        onClick={() => pick(index + 1)}
      >
        <Icon name="older" />
      </button>
      <p class="picker-words">
        {latest ? words.latest : words.number(count(index + 1), count(kept.length))}
        {at === undefined ? null : (
          <span class="faint">
            {' '}
            <At at={at.at} />
            {at.progress === null ? null : ` · ${percent(at.progress)}`}
            {at.bytes === null ? null : ` · ${bytes(at.bytes)}`}
          </span>
        )}
      </p>
      <label class="check">
        <input
          type="checkbox"
          checked={changes}
          onChange={(event) => showChanges(event.currentTarget.checked)}
        />
        <span>{words.changes}</span>
      </label>
    </div>
  );
}
