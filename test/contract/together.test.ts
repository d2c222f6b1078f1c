/** Many writes in one go, on every database. */
import { together } from '../../src/testing/contract/together.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(together);
eachStoreWithHistory(together);
