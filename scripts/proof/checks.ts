/** Where something is checked: by a property of the formal models, or by a test that can be named and run. */
import type { Property } from '../model/properties.ts';

export type Check = PropertyCheck | TestCheck;

interface PropertyCheck {
  readonly property: Property;
}

export interface TestCheck {
  readonly file: string;
  /** As it stands in the file. */
  readonly test: string;
}

export function model(property: Property): Check {
  return { property };
}

export function check(file: string, test: string): TestCheck {
  return { file, test };
}

/** A case that runs on every database, and on whatever else keeps the contract. */
export function contract(operation: string, test: string): TestCheck {
  return check(`src/testing/contract/${operation}.ts`, test);
}

export const HISTORIES = check(
  'test/model/histories.test.ts',
  'have a linearizable history, whatever the order of their statements',
);
export const REFERENCE = check('test/model/model-based.test.ts', 'does what the reference says');

/** The offline check after a run of the nemesis, which has to notice a planted violation of each invariant. */
export const NEMESIS = check('test/nemesis/checker.test.ts', 'has a planted violation for each invariant');
