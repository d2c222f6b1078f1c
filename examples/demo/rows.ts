/**
 * What the demo imports: 10,000 strikes of birds against aircraft where the package vega-datasets is, as in this repository;
 * elsewhere as many made-up parcels, the same in every process.
 */
import { birdstrikesFile, type DataSet, readDataSet } from '../support/data-set.ts';

const ROWS = 10_000;
const CITIES = [
  'Aachen',
  'Bergen',
  'Cádiz',
  'Delft',
  'Évora',
  'Fribourg',
  'Győr',
  'Hämeenlinna',
  '奈良',
  '苏州',
];

export function demoRows(): DataSet {
  let file: string;
  try {
    file = birdstrikesFile();
  } catch {
    return madeUpParcels();
  }
  return readDataSet(file);
}

function madeUpParcels(): DataSet {
  // A row is to tell from all others, and every process has to come to the same.
  const city = (number: number): string => CITIES[number % CITIES.length] ?? '';
  const rows = Array.from({ length: ROWS }, (_, index) => [
    `P${100_000 + index}`,
    city(index),
    city(index * 7 + Math.floor(index / 10) + 3),
    `${((index * 7919) % 20_000) / 1000} kg`,
  ]);
  return { name: 'made-up parcels', columns: ['Parcel', 'Sender', 'Receiver', 'Weight'], rows };
}
