/** Keeps tasks out of a replica's claims whose type it doesn't run, or whose version it can't read. */
import type { Fragment } from '../core/fragment.ts';
import type { Runnable } from '../core/version.ts';

/** The condition on `type` and `version`; there must be a type. `alias` is of the table, with its dot. */
export function readable(types: ReadonlyMap<string, Runnable>, alias = ''): Fragment {
  const ranges = Map.groupBy(types, ([, { versions }]) => `${versions.from} AND ${versions.to}`);
  const conditions = Array.from(
    ranges,
    ([range, entries]) =>
      `${alias}type IN (${entries.map(() => '?').join(', ')}) AND ${alias}version BETWEEN ${range}`,
  );
  return {
    sql: `(${conditions.join(' OR ')})`,
    values: [...ranges.values()].flatMap((entries) => entries.map(([type]) => type)),
  };
}
