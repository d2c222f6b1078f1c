/** Hints, on every database; the cases are in `src/testing`. */
import { hints } from '../../src/testing/contract/hints.ts';
import { eachStore } from '../support/stores.ts';

eachStore(hints);
