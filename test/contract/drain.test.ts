/** Replicas that take nothing more, on every database; the cases are in `src/testing`. */
import { drain } from '../../src/testing/contract/drain.ts';
import { eachStore } from '../support/stores.ts';

eachStore(drain);
