/** The history, on every database; the cases are in `src/testing`. */
import { history } from '../../src/testing/contract/history.ts';
import { eachStore } from '../support/stores.ts';

eachStore(history);
