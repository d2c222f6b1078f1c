/** Giving a claim back, on every database; the cases are in `src/testing`. */
import { release } from '../../src/testing/contract/release.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(release);
eachStoreWithHistory(release);
