/** A labelled field of a form: what is wrong with it stands below it, and is read out with it. */
import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  /** What is wrong with it. */
  readonly error?: string | undefined;
  readonly wide?: boolean;
  /** Draws the control itself; it must take these. */
  readonly children: (props: ControlProps) => ComponentChildren;
}

export interface ControlProps {
  readonly id: string;
  readonly 'aria-invalid': boolean;
  readonly 'aria-describedby': string | undefined;
}

export function Field({ label, error, wide = false, children }: FieldProps) {
  const id = useId();
  const problem = `${id}-problem`;
  return (
    <div class={wide ? 'field wide' : 'field'}>
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-invalid': error !== undefined,
        'aria-describedby': error === undefined ? undefined : problem,
      })}
      {error === undefined ? null : (
        <p class="field-error" id={problem}>
          {error}
        </p>
      )}
    </div>
  );
}

type InputProps = Omit<JSX.IntrinsicElements['input'], 'onInput' | 'list'>;

interface TextFieldProps extends Omit<FieldProps, 'children'>, Pick<InputProps, 'name' | 'placeholder'> {
  readonly value: string;
  readonly options?: readonly string[];
  readonly change: (value: string) => void;
}

/** A short text, with proposals. */
export function TextField({
  label,
  error,
  wide = false,
  value,
  options = [],
  change,
  ...input
}: TextFieldProps) {
  return (
    <Field label={label} error={error} wide={wide}>
      {(control) => (
        <>
          <input
            {...control}
            {...input}
            value={value}
            list={`${control.id}-options`}
            autoComplete="off"
            spellcheck={false}
            maxLength={255}
            onInput={(event) => change(event.currentTarget.value)}
          />
          <datalist id={`${control.id}-options`}>
            {options.map((option) => (
              <option value={option} key={option} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}
