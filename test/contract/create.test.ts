/** Creating tasks, on every database; the cases are in `src/testing`. */
import { create } from '../../src/testing/contract/create.ts';
import { eachStore, eachStoreWithoutReturning } from '../support/stores.ts';

eachStore(create);
eachStoreWithoutReturning(create);
