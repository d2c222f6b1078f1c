/** JSON to be read: whatever is in it is shown as text. Long ones begin with what fits. */
import { useState } from 'preact/hooks';
import { count } from '../text/format.ts';
import { text } from '../text/text.ts';
import { compareJson, type Gap, type JsonLine, jsonLines, withoutSame } from './json-lines.ts';

const SHOWN_AT_FIRST = 120;
const LONGEST_LINE = 4_000;
const SIGNS = { same: ' ', gone: '−', new: '+' } as const;

export function Json({ value, label }: { value: unknown; label: string }) {
  return <Lines lines={jsonLines(value)} label={label} />;
}

export function JsonChanges({ before, after, label }: { before: unknown; after: unknown; label: string }) {
  const lines = compareJson(before, after);
  if (lines.every(({ kind }) => kind === 'same')) return <p class="card-empty">{text().context.unchanged}</p>;
  return <Lines lines={withoutSame(lines)} label={label} compared />;
}

function Lines({
  lines,
  label,
  compared = false,
}: {
  lines: readonly (JsonLine | Gap)[];
  label: string;
  compared?: boolean;
}) {
  const [all, showAll] = useState(false);
  const shown = all ? lines : lines.slice(0, SHOWN_AT_FIRST);
  const rest = lines.length - shown.length;
  return (
    <>
      <div class="json" role="group" tabIndex={0} aria-label={label}>
        <code>
          {shown.map((line, index) => (
            <Line line={line} compared={compared} key={index} />
          ))}
        </code>
      </div>
      {rest > 0 ? (
        <button type="button" class="link" onClick={() => showAll(true)}>
          {text().context.moreLines(count(rest))}
        </button>
      ) : null}
    </>
  );
}

function Line({ line, compared }: { line: JsonLine | Gap; compared: boolean }) {
  if (line.kind === 'gap') {
    return <span class="json-line json-gap">{text().context.sameLines(count(line.lines))}</span>;
  }
  const { kind, depth, key, value, look } = line;
  return (
    <span class={`json-line json-${kind}`}>
      {compared ? <span class="json-sign">{SIGNS[kind]} </span> : null}
      {'  '.repeat(depth)}
      {key === undefined ? null : (
        <>
          <span class="json-key">{JSON.stringify(key)}</span>:{' '}
        </>
      )}
      <span class={`json-${look}`}>
        {value.length > LONGEST_LINE ? `${value.slice(0, LONGEST_LINE)}…` : value}
      </span>
      {'\n'}
    </span>
  );
}
