/**
 * Where results are shown: a terminal of some width, with colours, or something else, with neither. What is written
 * elsewhere has no width: nothing in it is ever cut.
 */
import type { Host } from '../host.ts';
import { type Line, paint, safeJson, TAB } from './line.ts';
import { type Column, tableLines, tableRows } from './table.ts';

const NARROWEST = 40;
const WIDEST = 160;

/** A name, what people see, and the same for programs. */
export interface Fact {
  readonly name: string;
  readonly shown: Line;
  readonly value: string | number | undefined;
}

export class Screen {
  readonly #stream: NodeJS.WriteStream;
  /** The database's time when the results were read. */
  readonly now: number;

  constructor({ stdout }: Pick<Host, 'stdout'>, now: number) {
    this.#stream = stdout;
    this.now = now;
  }

  /** Whether people look at it. */
  get live(): boolean {
    return this.#stream.isTTY;
  }

  get width(): number {
    if (!this.live) return Infinity;
    // The last column stays free, for some terminals wrap a line that fills it.
    return Math.min(WIDEST, Math.max(NARROWEST, this.#stream.columns - 1));
  }

  /** A table as it is shown here. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly Line[] {
    return this.live ? tableLines(columns, rows, this.width) : tableRows(columns, rows);
  }

  /** Facts as they are shown here: one under the other, those without a value left out. */
  facts(facts: readonly Fact[]): readonly Line[] {
    const known = facts.filter(({ value }) => value !== undefined);
    if (!this.live) return known.map(({ name, value }): Line => [name, TAB, String(value)]);
    const size = Math.max(0, ...known.map(({ name }) => name.length)) + 2;
    return known.map(({ name, shown }): Line => [[name.padEnd(size), 'dim'], ...shown]);
  }

  print(lines: readonly Line[]): void {
    for (const line of lines) this.#stream.write(`${paint(line, this.#stream, this.width)}\n`);
  }

  printJson(value: unknown): void {
    this.#stream.write(`${safeJson(value, this.live ? 2 : undefined)}\n`);
  }
}
