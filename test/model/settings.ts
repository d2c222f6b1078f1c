/** How much is tried by chance, and from which seed: given from outside, to go further or to see a failure again. */
import { randomInt } from 'node:crypto';

const LARGEST = 2 ** 31 - 1;

/** TASKBATON_SEED, or one by chance; whoever uses it says which. */
export function seedFrom(): number {
  return numberFrom('TASKBATON_SEED', randomInt(LARGEST));
}

export function numberFrom(variable: string, fallback: number): number {
  const given = process.env[variable] ?? '';
  if (given === '') return fallback;
  const number = Number(given);
  if (Number.isInteger(number)) return number;
  throw new Error(`${variable} must be an integer, not ${JSON.stringify(given)}.`);
}
