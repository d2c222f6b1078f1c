/**
 * The door `taskbaton/testing`: a system in memory with time of its own for the tests of your tasks, and the contracts that
 * a database or a queue of your own must keep.
 */
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
export {
  type Interruption,
  resumeEverywhere,
  type ResumeOptions,
  type ResumeReport,
} from './resume-everywhere.ts';
export { TestSystem, type TestSystemOptions } from './test-system.ts';
export { type Case, declareOperation, type Operation } from './operation.ts';
