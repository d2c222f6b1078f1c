/** Following what happens, on every database; the cases are in `src/testing`. */
import { follow } from '../../src/testing/contract/follow.ts';
import { eachStore } from '../support/stores.ts';

eachStore(follow);
