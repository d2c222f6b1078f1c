/**
 * A form for a new task. What the server refuses stands at the field that it is about, which gets the focus; what was typed stays
 * until a task was made of it, also when the dialog is closed meanwhile.
 */
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { NewTask } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { asApiError } from '../live/resource.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Field, TextField } from '../parts/field.tsx';
import { Icon } from '../parts/icon.tsx';
import { tellDone } from '../parts/toast.tsx';
import { navigate } from '../route.ts';
import { may, session } from '../session.ts';
import { useKeys } from '../shell/keyboard.tsx';
import { inOneLine } from '../text/refusal.ts';
import { text } from '../text/text.ts';
import { askForNames, knownNames } from './names.ts';

const BEGINS = ['soon', 'later', 'never'] as const;

/** In ms. */
const UNITS = { seconds: 1_000, minutes: 60_000, hours: 3_600_000 } as const;
type Unit = keyof typeof UNITS;

interface Draft {
  readonly type: string;
  readonly user: string;
  readonly group: string;
  readonly input: string;
  readonly key: string;
  readonly priority: string;
  readonly begin: (typeof BEGINS)[number];
  readonly delay: string;
  readonly unit: Unit;
  readonly reason: string;
}

const EMPTY: Draft = {
  type: '',
  user: '',
  group: '',
  input: '',
  key: '',
  priority: '',
  begin: 'soon',
  delay: '10',
  unit: 'minutes',
  reason: '',
};

const draft = signal(EMPTY);
const open = signal(false);

export function CreateButton() {
  const possible = may('create') && (session.value?.types.length ?? 0) > 0;
  useKeys((key) => {
    if (key !== 'n' || !possible) return false;
    open.value = true;
    return true;
  });
  if (!possible) return null;
  return (
    <>
      <button type="button" class="button primary" onClick={() => (open.value = true)}>
        <Icon name="create" />
        {text().create.open}
      </button>
      {open.value ? <CreateDialog /> : null}
    </>
  );
}

/** What is wrong, and with which field, if that is known. */
interface Problem {
  readonly field: string | undefined;
  readonly message: string;
}

function CreateDialog() {
  const words = text().create;
  const form = useRef<HTMLFormElement>(null);
  const [problem, tell] = useState<Problem | undefined>(undefined);
  const [sending, send] = useState(false);
  useEffect(askForNames, []);
  useEffect(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), [problem]);
  const close = (): void => {
    open.value = false;
  };
  const create = async (): Promise<void> => {
    send(true);
    try {
      const { id } = await api.create(requestFrom(draft.value));
      draft.value = EMPTY;
      close();
      tellDone(words.done(String(id)));
      navigate(`tasks/${id}`);
    } catch (error) {
      tell(problemFrom(error));
      send(false);
    }
  };
  return (
    <Dialog title={words.title} close={close}>
      <form
        class="form"
        ref={form}
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        {problem === undefined || problem.field !== undefined ? null : (
          <p class="field-error wide" role="alert">
            {problem.message}
          </p>
        )}
        <Fields problem={problem} />
        <div class="dialog-actions wide">
          <button type="button" class="button" onClick={close}>
            {text().dialog.cancel}
          </button>
          <button type="submit" class="button primary" disabled={sending}>
            {words.action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Fields({ problem }: { problem: Problem | undefined }) {
  const words = text().create;
  const names = knownNames.value;
  const change = (changed: Partial<Draft>): void => {
    draft.value = { ...draft.value, ...changed };
  };
  /** What every field of a short text has. */
  const short = (name: 'user' | 'group' | 'key' | 'reason') => ({
    name,
    value: draft.value[name],
    change: (value: string) => change({ [name]: value }),
    error: errorAt(problem, name),
  });
  return (
    <>
      <Field label={text().tasks.type} error={errorAt(problem, 'type')} wide>
        {(control) => (
          <select
            {...control}
            value={typeOf(draft.value)}
            onChange={(event) => change({ type: event.currentTarget.value })}
          >
            {session.value?.types.map((type) => (
              <option value={type} key={type}>
                {type}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={words.input} error={errorAt(problem, 'input')} wide>
        {(control) => (
          <textarea
            {...control}
            rows={5}
            spellcheck={false}
            placeholder="{ }"
            value={draft.value.input}
            onInput={(event) => change({ input: event.currentTarget.value })}
          />
        )}
      </Field>
      {(session.value?.scope ?? null) === null ? (
        <TextField {...short('user')} label={text().tasks.user} options={names.users} />
      ) : null}
      <TextField {...short('group')} label={text().tasks.group} options={names.groups} />
      <TextField {...short('key')} label={words.key} />
      <NumberField
        label={text().facts.priority}
        value={draft.value.priority}
        least={-1_000_000}
        placeholder="0"
        error={errorAt(problem, 'priority')}
        change={(priority) => change({ priority })}
      />
      <BeginFields problem={problem} change={change} />
      <TextField {...short('reason')} label={text().dialog.reason} wide />
    </>
  );
}

function BeginFields({
  problem,
  change,
}: {
  problem: Problem | undefined;
  change: (changed: Partial<Draft>) => void;
}) {
  const words = text().create;
  const { begin, delay, unit } = draft.value;
  return (
    <>
      <Field label={words.begin} error={errorAt(problem, 'autoRun')} wide>
        {(control) => (
          <select
            {...control}
            value={begin}
            onChange={(event) => change({ begin: event.currentTarget.value as Draft['begin'] })}
          >
            {BEGINS.map((one) => (
              <option value={one} key={one}>
                {words.begins[one]}
              </option>
            ))}
          </select>
        )}
      </Field>
      {begin === 'later' ? (
        <>
          <NumberField
            label={words.delay}
            value={delay}
            least={0}
            required
            error={errorAt(problem, 'delay')}
            change={(value) => change({ delay: value })}
          />
          <Field label={words.unit}>
            {(control) => (
              <select
                {...control}
                value={unit}
                onChange={(event) => change({ unit: event.currentTarget.value as Unit })}
              >
                {(Object.keys(UNITS) as Unit[]).map((one) => (
                  <option value={one} key={one}>
                    {words.units[one]}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </>
      ) : null}
    </>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly value: string;
  readonly least: number;
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly error: string | undefined;
  readonly change: (value: string) => void;
}

function NumberField({ label, value, least, error, change, ...input }: NumberFieldProps) {
  return (
    <Field label={label} error={error}>
      {(control) => (
        <input
          {...control}
          {...input}
          type="number"
          min={least}
          max={1_000_000}
          step={1}
          value={value}
          onInput={(event) => change(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** The one that was chosen, if it can still be created. */
function typeOf({ type }: Draft): string {
  const types = session.value?.types ?? [];
  return types.includes(type) ? type : (types[0] ?? '');
}

/** Throws NotJson. */
function requestFrom(given: Draft): NewTask {
  const { user, group, key, priority, begin, delay, unit, reason } = given;
  const input = inputFrom(given);
  return {
    type: typeOf(given),
    ...(input === undefined ? {} : { input }),
    ...(user === '' ? {} : { user }),
    ...(group === '' ? {} : { group }),
    ...(key === '' ? {} : { key }),
    ...(priority === '' ? {} : { priority: Number(priority) }),
    ...(begin === 'never' ? { autoRun: false } : {}),
    ...(begin === 'later' ? { delay: Number(delay) * UNITS[unit] } : {}),
    ...(reason === '' ? {} : { reason }),
  };
}

class NotJson extends Error {}

function inputFrom({ input }: Draft): unknown {
  if (input.trim() === '') return undefined;
  try {
    return JSON.parse(input);
  } catch (error) {
    throw new NotJson(text().create.notJson, { cause: error });
  }
}

const FIELDS: readonly string[] = [
  'type',
  'input',
  'user',
  'group',
  'key',
  'priority',
  'autoRun',
  'delay',
  'reason',
];

function problemFrom(error: unknown): Problem {
  if (error instanceof NotJson) return { field: 'input', message: error.message };
  const refusal = asApiError(error);
  const { field } = refusal;
  return {
    field: field !== undefined && FIELDS.includes(field) ? field : undefined,
    message: inOneLine(refusal, text()),
  };
}

function errorAt(problem: Problem | undefined, field: string): string | undefined {
  return problem?.field === field ? problem.message : undefined;
}
