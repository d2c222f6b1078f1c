/** Listing tasks, on every database; the cases are in `src/testing`. */
import { list } from '../../src/testing/contract/list.ts';
import { eachStore } from '../support/stores.ts';

eachStore(list);
