/** Ending a claim, on every database; the cases are in `src/testing`. */
import { settle } from '../../src/testing/contract/settle.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(settle);
eachStoreWithHistory(settle);
