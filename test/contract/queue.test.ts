/** Every built-in policy, and the queues of the examples, are queues as the contract has them, on every database. */
import { describe } from 'node:test';
import { type ContractQueue, queueContract } from '../../src/testing/queue-contract.ts';
import { LastComeFirstServed } from '../../examples/queues/table-queue.ts';
import { eachBackend } from '../backends.ts';
import { openContractStore } from '../support/stores.ts';

const QUEUES: Readonly<Record<string, ContractQueue['make']>> = {
  fifo: () => 'fifo',
  priority: () => ({ policy: 'priority', ageing: '1m' }),
  'fair by user': () => 'fair',
  'fair by group within users': () => ({ policy: 'fair', by: 'user/group', within: 'priority' }),
  'a table of its own': () => new LastComeFirstServed(),
};

eachBackend((backend) => {
  for (const [name, make] of Object.entries(QUEUES)) {
    describe(`${name}:`, () => queueContract(async () => ({ ...(await openContractStore(backend)), make })));
  }
});
