/** Who is alive, on every database; the cases are in `src/testing`. */
import { replicas } from '../../src/testing/contract/replicas.ts';
import { eachStore } from '../support/stores.ts';

eachStore(replicas);
