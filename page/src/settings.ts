/** What somebody chose on this device: colours, language, shortcuts. The browser's wishes count where nothing was chosen. */
import { effect, type Signal, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
export type Language = 'en' | 'zh-CN';

export const theme = kept<Theme>('theme', ['auto', 'light', 'dark'], 'auto');
export const language = kept<Language>('language', ['en', 'zh-CN'], preferredLanguage());
/** Shortcuts of a single letter get in the way of those who speak to their computer; they can be switched off. */
export const shortcuts = kept<'on' | 'off'>('shortcuts', ['on', 'off'], 'on');

export function startSettings(): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
  });
}

function preferredLanguage(): Language {
  const first = navigator.languages.find((tag) => /^(en|zh)\b/.test(tag));
  return first?.startsWith('zh') === true ? 'zh-CN' : 'en';
}

function kept<T extends string>(name: string, values: readonly T[], otherwise: T): Signal<T> {
  const key = `taskbaton.${name}`;
  const found = values.find((value) => value === recall(key));
  const setting = signal<T>(found ?? otherwise);
  let first = true;
  effect(() => {
    const { value } = setting;
    if (!first) remember(key, value);
    first = false;
  });
  return setting;
}

/** Storage may be forbidden; then choices last as long as the page. */
function recall(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}
