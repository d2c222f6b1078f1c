/** Creating tasks, on every database; the cases are in `src/testing`. */
import { create } from '../../src/testing/contract/create.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(create);
eachStoreWithHistory(create);
