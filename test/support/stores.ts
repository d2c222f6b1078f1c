/**
 * The databases under test as the contract wants them. SQLite also runs as a database without RETURNING, so that the
 * way of those (MySQL) is proven before they come.
 */
import { describe } from 'node:test';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Dialect, DIALECTS } from '../../src/store/dialect.ts';
import { openDatabase } from '../../src/database/open.ts';
import type { ContractStore } from '../../src/testing/bench.ts';
import { declareOperation, type Operation } from '../../src/testing/operation.ts';
import { type Backend, backends, eachBackend } from '../backends.ts';

const WITHOUT_RETURNING: Dialect = {
  ...DIALECTS.sqlite,
  returning: { lastInsertId: 'SELECT last_insert_rowid() AS id' },
};

/** Declares the cases of `operation` for each database. */
export function eachStore(operation: Operation): void {
  eachBackend((backend) => declareOperation(operation, () => openContractStore(backend)));
}

/** The same for databases without RETURNING. */
export function eachStoreWithoutReturning(operation: Operation): void {
  for (const backend of backends.filter(({ name }) => name === 'sqlite')) {
    describe(`${backend.name} without RETURNING:`, () => {
      declareOperation(operation, () => openContractStore(backend, WITHOUT_RETURNING));
    });
  }
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
