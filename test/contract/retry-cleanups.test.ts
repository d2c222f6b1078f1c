/** Failed cleanups that come back, on every database; the cases are in `src/testing`. */
import { retryCleanups } from '../../src/testing/contract/retry-cleanups.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(retryCleanups);
eachStoreWithHistory(retryCleanups);
