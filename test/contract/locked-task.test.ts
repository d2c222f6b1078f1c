/** Writes beside rows that somebody has locked, on every database. */
import { lockedTask } from '../../src/testing/contract/locked-task.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(lockedTask);
eachStoreWithHistory(lockedTask);
