/** The server's time, as far as the page can tell it, in steps of a second; it stands still while nobody sees the page. */
import { signal } from '@preact/signals';

const STEP = 1_000;

let ahead = 0;

/** Milliseconds since 1970, by the server's clock. */
export const now = signal(Date.now());

export function learnTime(at: string): void {
  const server = Date.parse(at);
  if (!Number.isNaN(server)) ahead = server - Date.now();
}

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now() + ahead;
  }, STEP);
}
