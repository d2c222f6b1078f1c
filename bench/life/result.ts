/** What a long life came to, minute by minute, and whether it lasts: claims are as fast at the end, and the tables no larger. */
import { readFileSync, writeFileSync } from 'node:fs';
import { machine, today } from '../outcome.ts';
import { median } from '../statistics.ts';

/** What a worker has done in a while. */
export interface Claims {
  readonly claims: number;
  /** Milliseconds that claims took, p50 and p99. */
  readonly half: number;
  readonly late: number;
  readonly ended: number;
}

export interface Minute extends Claims {
  readonly minute: number;
  /** Bytes, and tasks that wait, at its end. */
  readonly table: number;
  readonly indexes: number;
  readonly waiting: number;
}

export interface Life {
  readonly date: string;
  readonly machine: string;
  /** Tasks a second, at most and as they were created. */
  readonly peak: number;
  readonly rate: number;
  /** The part of the time during which a snapshot was held. */
  readonly held: number;
  /** p99 of claims in the first and in the last minutes. */
  readonly first: number;
  readonly last: number;
  readonly minutes: readonly Minute[];
}

/** How many minutes make the beginning, and the end. */
const PART = 5;
/** How much slower the last claims may be than the first. */
const MOST = 1.5;
/** How much larger the table and its indexes may be at the end than halfway. */
const GROWN = 1.25;

const FILE = new URL('../results/life.json', import.meta.url);

export function summed(peak: number, rate: number, held: number, minutes: readonly Minute[]): Life {
  const late = (part: readonly Minute[]): number => median(part.map((minute) => minute.late));
  const first = late(minutes.slice(0, PART));
  return {
    date: today(),
    machine: machine(),
    peak,
    rate,
    held,
    first,
    last: late(minutes.slice(-PART)),
    minutes,
  };
}

export function isLasting({ first, last, minutes }: Life): boolean {
  return last <= first * MOST && grown(minutes) <= GROWN;
}

/** What the bytes of the last minutes are to those of the minutes around the middle. */
export function grown(minutes: readonly Minute[]): number {
  const bytes = (part: readonly Minute[]): number =>
    median(part.map(({ table, indexes }) => table + indexes));
  const middle = Math.max(0, Math.floor((minutes.length - PART) / 2));
  return bytes(minutes.slice(-PART)) / bytes(minutes.slice(middle, middle + PART));
}

export function writeLife(life: Life): void {
  writeFileSync(FILE, `${JSON.stringify(life, undefined, 2)}\n`);
}

export function readLife(): Life {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Life;
}
