/** Reading one task, on every database; the cases are in `src/testing`. */
import { limits } from '../../src/testing/contract/limits.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(limits);
eachStoreWithHistory(limits);
