/** A lease and what is held by it, on every database; the cases are in `src/testing`. */
import { renewAndHeld } from '../../src/testing/contract/renew-and-held.ts';
import { eachStore } from '../support/stores.ts';

eachStore(renewAndHeld);
