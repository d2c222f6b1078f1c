/** A limit that becomes a field where it stands: Enter keeps what was typed, Escape leaves it as it was, nothing means none. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../parts/icon.tsx';
import { may } from '../session.ts';
import { count } from '../text/format.ts';
import { text } from '../text/text.ts';

const MOST = 1_000_000;

export interface LimitFieldProps {
  readonly limit: number | null;
  readonly label: string;
  readonly change: (limit: number | null) => Promise<void>;
}

export function LimitField({ limit, label, change }: LimitFieldProps) {
  const [edited, edit] = useState(false);
  const words = text().queues;
  const shown = limit === null ? words.noLimit : words.limit(count(limit));
  if (!may('limits')) return <span class="limit faint">{shown}</span>;
  if (edited) return <LimitInput limit={limit} label={label} change={change} close={() => edit(false)} />;
  return (
    <button
      type="button"
      class={limit === null ? 'limit limit-none' : 'limit'}
      aria-label={`${label}: ${shown}. ${words.changeLimit}`}
      onClick={() => edit(true)}
    >
      {shown}
      <Icon name="edit" />
    </button>
  );
}

function LimitInput({ limit, label, change, close }: LimitFieldProps & { close: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const keep = (): void => {
    const { value, validity } = field.current ?? { value: '', validity: undefined };
    if (validity?.valid !== true) {
      field.current?.reportValidity();
      return;
    }
    const next = value === '' ? null : Number(value);
    if (next === limit) close();
    else void change(next).then(close);
  };
  return (
    <input
      class="limit-input"
      type="number"
      ref={field}
      min={0}
      max={MOST}
      step={1}
      defaultValue={limit === null ? '' : String(limit)}
      placeholder={text().queues.noLimit}
      aria-label={label}
      onBlur={close}
      onKeyDown={(event) => {
        if (event.key === 'Enter') keep();
        if (event.key === 'Escape') close();
      }}
    />
  );
}
