/** Storing a report, on every database; the cases are in `src/testing`. */
import { checkpoint } from '../../src/testing/contract/checkpoint.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(checkpoint);
eachStoreWithHistory(checkpoint);
