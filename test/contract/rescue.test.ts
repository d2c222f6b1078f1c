/** Taking tasks from the dead, on every database; the cases are in `src/testing`. */
import { rescue } from '../../src/testing/contract/rescue.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(rescue);
eachStoreWithHistory(rescue);
