/** Short words about what was just done, with a way back where there is one. They wait while somebody reads them. */
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { asApiError } from '../live/resource.ts';
import { reasonOf } from '../text/refusal.ts';
import { text } from '../text/text.ts';
import { Icon } from './icon.tsx';

interface Toast {
  readonly id: number;
  readonly kind: 'done' | 'failed';
  readonly message: string;
  readonly detail?: string;
  readonly undo?: () => Promise<void>;
}

const LIFETIME = { done: 7_000, failed: 14_000 };

const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

export function tellDone(message: string, undo?: () => Promise<void>): void {
  add({ kind: 'done', message, ...(undo === undefined ? {} : { undo }) });
}

export function tellFailed(error: unknown): void {
  const { message, detail } = reasonOf(asApiError(error), text());
  add({ kind: 'failed', message, ...(detail === undefined ? {} : { detail }) });
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((toast) => (
        <ToastCard toast={toast} key={toast.id} />
      ))}
    </div>
  );
}

function ToastCard({ toast }: { toast: Toast }) {
  const [held, hold] = useState(false);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(() => remove(toast.id), LIFETIME[toast.kind]);
    return () => clearTimeout(timer);
  }, [held]);
  const undo = (): void => {
    remove(toast.id);
    toast.undo?.().catch(tellFailed);
  };
  return (
    <div
      class={`toast toast-${toast.kind}`}
      onMouseEnter={() => hold(true)}
      onMouseLeave={() => hold(false)}
      onFocusIn={() => hold(true)}
      onFocusOut={() => hold(false)}
    >
      <Icon name={toast.kind === 'done' ? 'check' : 'warning'} />
      <div class="toast-words">
        <p>{toast.message}</p>
        {toast.detail === undefined ? null : <p class="faint">{toast.detail}</p>}
      </div>
      {toast.undo === undefined ? null : (
        <button type="button" class="button quiet" onClick={undo}>
          {text().feedback.undo}
        </button>
      )}
      <button
        type="button"
        class="button quiet square"
        aria-label={text().feedback.dismiss}
        onClick={() => remove(toast.id)}
      >
        <Icon name="cross" />
      </button>
    </div>
  );
}

function add(toast: Omit<Toast, 'id'>): void {
  lastId += 1;
  toasts.value = [...toasts.value.slice(-2), { ...toast, id: lastId }];
}

function remove(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}
