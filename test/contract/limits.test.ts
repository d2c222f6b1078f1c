/** Reading one task, on every database; the cases are in `src/testing`. */
import { limits } from '../../src/testing/contract/limits.ts';
import { eachStore } from '../support/stores.ts';

eachStore(limits);
