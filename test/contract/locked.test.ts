/** Writes beside rows that somebody has locked, on every database. */
import { locked } from '../../src/testing/contract/locked.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(locked);
eachStoreWithHistory(locked);
