/** Every status with every event, on every database; the cases are in `src/testing`. */
import { transitions } from '../../src/testing/contract/transitions.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(transitions);
eachStoreWithHistory(transitions);
