/**
 * What really happened, put down outside the database: by handlers, by those who give orders, and by whoever makes the
 * faults. Files that are only ever appended to, each line on the disk before its writer goes on if something depends on it.
 */
import { closeSync, fdatasyncSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Of a handler. `process` is one life of a replica's process. */
export interface HandlerEntry {
  readonly kind: 'handler';
  readonly what: 'begin' | 'did' | 'acked' | 'refused' | 'signal' | 'end' | 'cleaning' | 'cleaned';
  readonly process: string;
  readonly task: number;
  readonly type: string;
  readonly epoch: number;
  /** Where it goes on from, what it did, or what was acknowledged. */
  readonly step?: number;
  /** Why the signal fired, or how a report was refused. */
  readonly why?: string;
}

/** Of a user's order: `asked`, and `done` once it was acknowledged. A task is known by its key before it has an id. */
export interface OrderEntry {
  readonly kind: 'order';
  readonly what: 'asked' | 'done';
  readonly order: 'create' | 'run' | 'pause' | 'delete' | 'move';
  readonly key: string;
  readonly task?: number;
  readonly type?: string;
}

/** A fault, from when till when it may be felt; `process` if it struck one only. */
export interface FaultEntry {
  readonly kind: 'fault';
  readonly fault: string;
  readonly process?: string;
  readonly since: number;
  readonly until: number;
}

/** A process: under which number it began, that it was told to go, how it ended; or that its event loop stood still since `since`. */
export interface ProcessEntry {
  readonly kind: 'process';
  readonly what: 'spawned' | 'started' | 'told to go' | 'ended' | 'stood still' | 'stumbled';
  readonly process: string;
  readonly pid?: number | undefined;
  readonly since?: number;
  readonly why?: string;
}

type Fact = HandlerEntry | OrderEntry | FaultEntry | ProcessEntry;
/** `at` is in milliseconds of `monotonic()`. */
export type Entry<Of extends Fact = Fact> = Of extends Fact ? Of & { readonly at: number } : never;

/** Milliseconds on a clock that all processes of this machine share, and that no one sets. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What somebody has been told must be on the disk before anything else happens. */
const DURABLE: readonly string[] = ['acked', 'refused', 'cleaned', 'done'];

export class LedgerFile {
  readonly #file: number;

  constructor(folder: string, name: string) {
    this.#file = openSync(join(folder, `${name}.jsonl`), 'a');
  }

  write(fact: Fact): void {
    writeSync(this.#file, `${JSON.stringify({ at: monotonic(), ...fact })}\n`);
    if ('what' in fact && DURABLE.includes(fact.what)) fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** All entries of all files, in the order of their times. */
export function readLedgers(folder: string): Entry[] {
  const entries = readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => linesOf(readFileSync(join(folder, name), 'utf8')));
  return entries.toSorted((one, other) => one.at - other.at);
}

/** Whoever was killed may have left half a line, which then is the last. */
function linesOf(text: string): Entry[] {
  const lines = text.split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Entry);
}
