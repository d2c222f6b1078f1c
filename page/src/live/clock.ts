/** The server's time, as far as the page can tell it, in steps of a second; it stands still while nobody sees the page. */
import { signal } from '@preact/signals';

const STEP = 1_000;

let ahead = 0;

/** Milliseconds since 1970, by the server's clock. */
export const now = signal(Date.now());

export function learnTime(server: number): void {
  if (Number.isNaN(server)) return;
  ahead = server - Date.now();
  now.value = server;
}

export function startClock(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now() + ahead;
  }, STEP);
}
