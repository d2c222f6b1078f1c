/**
 * The shape of the contract: for each operation of the store a list of sentences, each with the case that proves it.
 * Cases of an operation run one after the other on one database, whose tasks and replicas are cleared in between.
 */
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Bench, type ContractStore, openBench, type OpenStore } from './bench.ts';

/** What a case gets: the bench, and what it takes to begin with a database of its own. */
export type Case = (bench: Bench, open: OpenStore) => Promise<void>;

export interface Operation {
  readonly name: string;
  readonly cases: Readonly<Record<string, Case>>;
}

/** A case that waits for something that doesn't come fails after so many milliseconds. */
const TIMEOUT = 60_000;

/** Declares the cases of `operation` with node:test. */
export function declareOperation({ name, cases }: Operation, open: () => Promise<ContractStore>): void {
  void describe(name, () => {
    let opened: Bench | undefined;
    const bench = (): Bench => {
      if (opened === undefined) throw new Error('the database of the contract was not opened');
      return opened;
    };
    before(async () => {
      opened = await openBench(open);
    });
    beforeEach(() => bench().clear());
    after(() => opened?.close());
    for (const [sentence, prove] of Object.entries(cases)) {
      void it(sentence, { timeout: TIMEOUT }, () => prove(bench(), open));
    }
  });
}
