/**
 * Questions that want an answer before anything happens. The browser's own dialog keeps the focus inside, closes on
 * Escape and gives the focus back to where it was.
 */
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { text } from '../text/text.ts';
import { TextField } from './field.tsx';

interface Question {
  readonly title: string;
  readonly detail?: string;
  readonly action: string;
  readonly danger?: boolean;
  /** A text to be given, with what it is at first and proposals. */
  readonly field?: { readonly label: string; readonly value: string; readonly options: readonly string[] };
  /** Also asks why; kept in the history. */
  readonly reason?: boolean;
}

export interface Answer {
  readonly value: string;
  readonly reason: string;
}

const asked = signal<{ question: Question; answer: (given: Answer | undefined) => void } | undefined>(
  undefined,
);

/** Undefined if somebody thinks better of it. */
export function ask(question: Question): Promise<Answer | undefined> {
  asked.peek()?.answer(undefined);
  return new Promise((resolve) => {
    const answer = (given: Answer | undefined): void => {
      asked.value = undefined;
      resolve(given);
    };
    asked.value = { question, answer };
  });
}

export function QuestionDialog() {
  const open = asked.value;
  if (open === undefined) return null;
  return <QuestionForm question={open.question} answer={open.answer} />;
}

function QuestionForm({
  question,
  answer,
}: {
  question: Question;
  answer: (given: Answer | undefined) => void;
}) {
  const { title, detail, action, danger = false, field, reason = false } = question;
  const [value, setValue] = useState(field?.value ?? '');
  const [why, setWhy] = useState('');
  return (
    <Dialog title={title} close={() => answer(undefined)}>
      <form
        class="question"
        onSubmit={(event) => {
          event.preventDefault();
          answer({ value, reason: why });
        }}
      >
        {detail === undefined ? null : <p>{detail}</p>}
        {field === undefined ? null : (
          <TextField label={field.label} value={value} options={field.options} change={setValue} />
        )}
        {reason ? <TextField label={text().dialog.reason} value={why} change={setWhy} /> : null}
        <div class="dialog-actions">
          <button type="button" class="button" onClick={() => answer(undefined)}>
            {text().dialog.cancel}
          </button>
          <button type="submit" class={`button ${danger ? 'danger' : 'primary'}`}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function Dialog({
  title,
  close,
  children,
}: {
  title: string;
  close: () => void;
  children: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  // It gives the focus back only while it is still there, so not later than it goes.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      class="dialog"
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === ref.current) close();
      }}
    >
      <div class="dialog-body">
        <h2 id={heading}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
