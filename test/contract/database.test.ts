/** What the store takes for granted of a database, on each of them; the cases are in `src/testing`. */
import { database } from '../../src/testing/contract/database.ts';
import { eachStore } from '../support/stores.ts';

eachStore(database);
