/** The databases under test as the contract wants them. */
import type { CheckedHistory } from '../../src/core/history.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Dialect } from '../../src/store/dialect.ts';
import { openDatabase } from '../../src/database/open.ts';
import type { ContractStore } from '../../src/testing/bench.ts';
import { declareOperation, type Operation } from '../../src/testing/operation.ts';
import { type Backend, eachBackend } from '../backends.ts';

/** Declares the cases of `operation` for each database. */
export function eachStore(operation: Operation): void {
  eachBackend((backend) => declareOperation(operation, () => openContractStore(backend)));
}

/** The same for stores that keep a history of all there is. */
export function eachStoreWithHistory({ name, cases }: Operation): void {
  const history: CheckedHistory = { level: 'all', keep: 3_600_000, contexts: true };
  eachBackend((backend) =>
    declareOperation({ name: `${name} with a history`, cases }, async () => ({
      ...(await openContractStore(backend)),
      history,
    })),
  );
}

export async function openContractStore(backend: Backend, dialect?: Dialect): Promise<ContractStore> {
  const world = await backend.open();
  return {
    connect: () => openDatabase(world.url, { clock: systemClock }),
    prefix: world.prefix,
    dialect,
    close: () => world.close(),
  };
}
