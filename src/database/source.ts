/** How a database that isn't open yet is handed to an instance, which then owns the connection and closes it. */
import type { Clock } from '../core/clock.ts';
import type { Database } from '../core/connection.ts';

/** What the instance that opens a database brings along. */
export interface DatabaseContext {
  readonly clock: Clock;
}

/** What a thread that opens a database for itself brings along. */
export interface AddressContext extends DatabaseContext {
  /** After how many milliseconds a statement is given up. */
  readonly timeout: number;
}

/** A database still to be opened, as the doors `taskbaton/sqlite` and `taskbaton/postgres` make it. */
export interface DatabaseSource {
  openDatabase(context: DatabaseContext): Promise<Database>;
}
