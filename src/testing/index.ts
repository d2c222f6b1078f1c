/** The door `taskbaton/testing`: proves that a database of your own can carry the engine. */
export type {
  Connection,
  Database,
  DialectName,
  QueryResult,
  Row,
  SqlValue,
  Subscription,
  WakeListener,
  WakeTopic,
} from '../core/connection.ts';
export type { Dialect } from '../store/dialect.ts';
export type { ContractStore, OpenStore } from './bench.ts';
export { CONTRACT, storeContract } from './contract.ts';
export { type ContractQueue, type OpenQueue, queueContract } from './queue-contract.ts';
export { type Case, declareOperation, type Operation } from './operation.ts';
