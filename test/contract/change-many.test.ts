/** Asking many tasks at once, on every database; the cases are in `src/testing`. */
import { changeMany } from '../../src/testing/contract/change-many.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(changeMany);
eachStoreWithHistory(changeMany);
