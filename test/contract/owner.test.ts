/** What is asked on somebody's behalf, on every database; the cases are in `src/testing`. */
import { owner } from '../../src/testing/contract/owner.ts';
import { eachStore } from '../support/stores.ts';

eachStore(owner);
