/** A piece of SQL and the values of its parameters, in their order. */
import type { SqlValue } from './connection.ts';

export interface Fragment {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}
