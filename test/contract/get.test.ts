/** Reading one task, on every database; the cases are in `src/testing`. */
import { get } from '../../src/testing/contract/get.ts';
import { eachStore } from '../support/stores.ts';

eachStore(get);
