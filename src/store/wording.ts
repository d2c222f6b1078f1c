/** The dialect as rounds speak it: `src/queue` knows of no dialects. */
import type { Wording } from '../queue/round.ts';
import type { Dialect } from './dialect.ts';
import { givenRows } from './given.ts';

export function wordingOf(dialect: Dialect): Wording {
  const { skipLocked, jsonRows, updateMatching, among, findEach } = dialect;
  return {
    skipLocked,
    jsonRows,
    updateMatching,
    among,
    findEach,
    returning: dialect.returning === true,
    given: (columns, rows) => givenRows(dialect, columns, rows),
  };
}
