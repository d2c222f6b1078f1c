/** Everything can be done from the keyboard; this is what goes quicker, and the dialog that tells of it. */
import { signal } from '@preact/signals';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { Dialog } from '../parts/dialog.tsx';
import { navigate } from '../route.ts';
import { shortcuts } from '../settings.ts';
import { text } from '../text/text.ts';
import type { Words } from '../text/words.ts';

type Meaning = keyof Words['keyboard']['keys'];

/** `g` and then a letter goes somewhere; the others are for the view that is shown. */
const PLACES: Readonly<Record<string, string>> = {
  o: './',
  t: 'tasks',
  q: 'queues',
  r: 'replicas',
  s: 'schedules',
};

const SHOWN: readonly { readonly keys: readonly string[]; readonly meaning: Meaning }[] = [
  { keys: ['g', 'o'], meaning: 'overview' },
  { keys: ['g', 't'], meaning: 'tasks' },
  { keys: ['g', 'q'], meaning: 'queues' },
  { keys: ['g', 'r'], meaning: 'replicas' },
  { keys: ['g', 's'], meaning: 'schedules' },
  { keys: ['/'], meaning: 'search' },
  { keys: ['n'], meaning: 'create' },
  { keys: ['j', 'k'], meaning: 'rows' },
  { keys: ['x'], meaning: 'select' },
  { keys: ['r'], meaning: 'run' },
  { keys: ['p'], meaning: 'pause' },
  { keys: ['m'], meaning: 'move' },
  { keys: ['d'], meaning: 'delete' },
  { keys: ['?'], meaning: 'help' },
];

/** How long after `g` a letter still belongs to it. */
const CHORD = 1_200;

export const helpOpen = signal(false);

const handlers = new Set<(key: string) => boolean>();
let chord = Number.NEGATIVE_INFINITY;

/**
 * Keys of a view; `handle` says whether it used the key. They work from the moment that the view is in the document: a
 * plain effect would come a frame later, and lose the key of whoever is quicker.
 */
export function useKeys(handle: (key: string) => boolean): void {
  useLayoutEffect(() => {
    handlers.add(handle);
    return () => void handlers.delete(handle);
  });
}

export function useShortcuts(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (!isShortcut(event)) return;
      if (follow(event.key, event.timeStamp)) event.preventDefault();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
}

function isShortcut(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  if (shortcuts.value === 'off' || document.querySelector('dialog[open]') !== null) return false;
  const target = event.target as HTMLElement | null;
  const types = target instanceof HTMLInputElement && !['checkbox', 'radio', 'range'].includes(target.type);
  return !types && !(target instanceof HTMLSelectElement) && !(target instanceof HTMLTextAreaElement);
}

function follow(key: string, at: number): boolean {
  const destination = at - chord < CHORD ? PLACES[key] : undefined;
  chord = key === 'g' ? at : Number.NEGATIVE_INFINITY;
  if (destination !== undefined) {
    navigate(destination);
    return true;
  }
  if (key === '?') {
    helpOpen.value = true;
    return true;
  }
  return key !== 'g' && [...handlers].some((handle) => handle(key));
}

export function KeyboardHelp() {
  if (!helpOpen.value) return null;
  const words = text().keyboard;
  return (
    <Dialog
      title={words.title}
      close={() => {
        helpOpen.value = false;
      }}
    >
      <dl class="keys">
        {SHOWN.map(({ keys, meaning }) => (
          <div key={meaning}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{words.keys[meaning]}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={shortcuts.value === 'on'}
          onChange={(event) => {
            shortcuts.value = event.currentTarget.checked ? 'on' : 'off';
          }}
        />
        <span>{words.enabled}</span>
      </label>
      <div class="dialog-actions">
        <button
          type="button"
          class="button"
          onClick={() => {
            helpOpen.value = false;
          }}
        >
          {words.close}
        </button>
      </div>
    </Dialog>
  );
}
