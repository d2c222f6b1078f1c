/**
 * Real data for the examples: 10,000 strikes of birds against aircraft, as CSV, out of the npm package vega-datasets.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface DataSet {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The path of the CSV file. */
export function birdstrikesFile(): string {
  return fileURLToPath(new URL('../data/birdstrikes.csv', import.meta.resolve('vega-datasets')));
}

export function readDataSet(file: string): DataSet {
  const [columns = [], ...rows] = parseCsv(readFileSync(file, 'utf8'));
  return { name: basename(file), columns, rows };
}

/** CSV as in RFC 4180: fields may be quoted, and contain commas, line breaks and doubled quotes then. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/g)) {
    if (end === '' && row.length === 0 && (plain ?? quoted) === '') break;
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === ',') continue;
    rows.push(row);
    row = [];
    if (end === '') break;
  }
  return rows;
}
