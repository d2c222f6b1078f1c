/** Ending a claim, on every database; the cases are in `src/testing`. */
import { settle } from '../../src/testing/contract/settle.ts';
import { eachStore } from '../support/stores.ts';

eachStore(settle);
