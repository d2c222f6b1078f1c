/** Moving a task to another group, on every database; the cases are in `src/testing`. */
import { changeGroup } from '../../src/testing/contract/change-group.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(changeGroup);
eachStoreWithHistory(changeGroup);
