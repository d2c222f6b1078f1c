/** What users ask of a task, on every database; the cases are in `src/testing`. */
import { change } from '../../src/testing/contract/change.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(change);
eachStoreWithHistory(change);
