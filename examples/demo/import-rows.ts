/**
 * The contract of the demo's only type of task: the import of a range of rows. The main process creates and controls such
 * tasks with this alone; the replicas implement it.
 */
import { declareTask, typed } from 'taskbaton';

/** So many rows are imported between two checkpoints. */
export const BATCH = 25;

/** Numbers of rows, from 1, both included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Position {
  /** The row to go on with. */
  readonly next: number;
}

export const importRows = declareTask({
  type: 'import-rows',
  input: typed<Range>(),
  context: typed<Position>(),
});

/** What a replica tells the main process, so that it can be shown; nothing depends on it but checks. */
export type ReplicaMessage =
  | { readonly what: 'ready' }
  | {
      readonly what: 'begins';
      readonly queue: 'run' | 'cleanup';
      readonly id: number;
      readonly epoch: number;
      /** The row a run begins with. */
      readonly row: number;
    };
