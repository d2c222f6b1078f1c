/** Reading one task, on every database; the cases are in `src/testing`. */
import { order } from '../../src/testing/contract/order.ts';
import { eachStore, eachStoreWithHistory } from '../support/stores.ts';

eachStore(order);
eachStoreWithHistory(order);
