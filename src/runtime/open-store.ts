/** From what a user hands in as `db` to a store that is ready for use. */
import type { Clock } from '../core/clock.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { checkStatementRoom, type Settings } from '../core/options.ts';
import { openDatabase } from '../database/open.ts';
import { Payloads } from '../store/payload.ts';
import { Store } from '../store/store.ts';

/** With `migrate` the tables are made whatever the settings say. What was opened is closed again if anything is wrong. */
export async function openStore(
  db: unknown,
  settings: Settings,
  { clock, migrate }: { readonly clock: Clock; readonly migrate: boolean },
): Promise<Store> {
  const { prefix, schema, policies, limits, ownQueues, maxPayload, codec, redact, history } = settings;
  const database = await openDatabase(db, { clock });
  const payloads = new Payloads({ codec, redact, unique: () => clock.uuid() });
  const store = new Store(
    database,
    prefix,
    schema,
    undefined,
    { policies, limits, ownQueues },
    payloads,
    history,
  );
  try {
    if (schema !== undefined && database.dialect !== 'postgres') {
      const problem = 'only PostgreSQL has schemas; use the option prefix';
      throw new TaskbatonError('INVALID_OPTION', { option: 'schema', value: show(schema), problem });
    }
    checkStatementRoom(maxPayload, database.longestStatement);
    await store.prepare(migrate || settings.migrate);
  } catch (error) {
    await database.close();
    throw error;
  }
  return store;
}
