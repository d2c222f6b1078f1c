/**
 * The frame around each example, so that the example itself is about taskbaton only: a database to run on, lines with
 * the time in front, checks that decide about the exit code, waiting for facts, and a deadline for the whole.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPlace } from './place.ts';

export interface Example {
  /** What to pass as `db` and `prefix` to `new Taskbaton`. */
  readonly database: { readonly db: string; readonly prefix: string };
  /** Prints a line. */
  readonly say: (text: string) => void;
  /** Prints whether something is as it should be; if it isn't, the example fails. */
  readonly check: (what: string, holds: boolean) => void;
}

const DEADLINE = 30_000;
const STEP = 10;

/** Runs `play` on the database that the command line or TASKBATON_DB names, or on a fresh SQLite file. */
export async function runExample(play: (example: Example) => Promise<void>): Promise<void> {
  const place = openPlace(process.argv[2]);
  const begin = performance.now();
  const say = (text: string): void =>
    console.log(`${((performance.now() - begin) / 1000).toFixed(2).padStart(6)} s  ${text}`);
  const check = (what: string, holds: boolean): void => {
    say(`${holds ? '✔' : '✘'} ${what}`);
    if (!holds) process.exitCode = 1;
  };
  const deadline = setTimeout(() => {
    console.error(`The example did not end within ${DEADLINE / 1000} s.`);
    process.exit(1);
  }, DEADLINE);
  try {
    await play({ database: { db: place.url, prefix: place.prefix }, say, check });
    await place.close();
  } catch (error) {
    console.error(error);
    await place.close().catch(() => undefined);
    // A replica that nobody stopped would keep the process alive.
    process.exit(1);
  }
  clearTimeout(deadline);
}

/** Asks again and again until `fact` is there. */
export async function until<Fact>(fact: () => Promise<Fact | undefined | false>): Promise<Fact> {
  for (;;) {
    const found = await fact();
    if (found !== undefined && found !== false) return found;
    await sleep(STEP);
  }
}
