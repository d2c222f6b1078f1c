/** What is done to replicas and databases on purpose, and by which test. `docs/proof.md` is made of this. */
import { check, contract, type TestCheck } from './checks.ts';

export interface Fault {
  readonly id: string;
  readonly what: string;
  readonly tests: readonly TestCheck[];
}

const POSTGRES = 'test/chaos/postgres.test.ts';
const HOSTILE = 'test/contract/hostile.test.ts';
const ON_POSTGRES = 'test/contract/database-postgres.test.ts';
const ON_MYSQL = 'test/contract/database-mysql.test.ts';
const OPERATIONS = 'test/faults/operations.test.ts';
const LIFE = 'test/faults/life.test.ts';
const VERSIONS = 'test/lifecycle/versions.test.ts';

export const FAULTS: readonly Fault[] = [
  {
    id: 'F1',
    what: 'A replica is killed, at any point.',
    tests: [
      check('test/chaos/kill.test.ts', 'its task fails, as is the default, and says why'),
      check('test/chaos/transaction.test.ts', 'each row is written exactly once, after'),
    ],
  },
  {
    id: 'F2',
    what: 'A replica stands still for longer than its lease, and wakes up.',
    tests: [
      check(
        'test/chaos/freeze.test.ts',
        'frozen for twice its lease: it can write nothing, knows it at once, and starts over',
      ),
    ],
  },
  {
    id: 'F3',
    what: 'All replicas are killed at once.',
    tests: [
      check(
        'test/chaos/kill.test.ts',
        'all are killed: what they ran goes on from the last checkpoints as soon as there is one again, and what was asked meanwhile is done',
      ),
    ],
  },
  {
    id: 'F4',
    what: 'The database is restarted or killed under load.',
    tests: [check(POSTGRES, 'restarted under load')],
  },
  {
    id: 'F5',
    what: 'A connection is cut at any statement, before or after it was carried out, or an answer is lost.',
    tests: [
      check(OPERATIONS, 'is done as a whole or not at all, and once if asked for again'),
      check(LIFE, 'nothing is lost or doubled, and nothing counts against a task'),
      check(ON_POSTGRES, 'a COMMIT whose answer is lost is DATABASE_UNAVAILABLE, for nobody knows'),
      check('test/lifecycle/faults.test.ts', 'a claim whose answer is lost is given back and runs'),
    ],
  },
  {
    id: 'F6',
    what: 'A replica is cut off from the database, or its host vanishes.',
    tests: [
      check('test/faults/vanished.test.ts', 'what it had locked is free again soon after'),
      check(
        POSTGRES,
        'gone for longer than the lease: handlers are told before it ends, without any contact',
      ),
    ],
  },
  {
    id: 'F7',
    what: 'The database answers late.',
    tests: [
      check(
        'test/lifecycle/faults.test.ts',
        'a claim whose answer is late is not taken for a lost one, however many others are answered meanwhile',
      ),
      check(
        'test/unit/lease.test.ts',
        'counts from before the renewal was sent, however long the answer takes',
      ),
    ],
  },
  {
    id: 'F8',
    what: 'Clocks of replicas are wrong by an hour, or are set while they work.',
    tests: [check('test/faults/clock.test.ts', 'take no task too early, and none too late')],
  },
  {
    id: 'F9',
    what: 'The clock of the database is set, by a minute.',
    tests: [
      check('test/faults/database-clock.test.ts', 'back by a minute: nobody loses a task'),
      check(
        'test/faults/database-clock.test.ts',
        'forward by a minute: whoever loses a task stops, and others go on from what was acknowledged',
      ),
    ],
  },
  {
    id: 'F10',
    what: 'A handler blocks the event loop.',
    tests: [
      check(
        'test/chaos/blocked.test.ts',
        'for 4 s, in replicas with leases of 3 s: no lease is lost, whatever else they do meanwhile',
      ),
      check('test/chaos/blocked.test.ts', 'for good: its tasks go on elsewhere within its lease and 2 s'),
    ],
  },
  {
    id: 'F11',
    what: 'The machine has too little processor and memory.',
    tests: [check('test/chaos/starved.test.ts', 'no lease is lost, and all tasks end in their first claim')],
  },
  {
    id: 'F12',
    what: 'The disk of the database is full.',
    tests: [check('test/faults/trouble.test.ts', 'no disk is left for a while')],
  },
  {
    id: 'F13',
    what: 'No connection is to be had.',
    tests: [
      check(
        'test/faults/trouble.test.ts',
        'no connections are left, and the server is read-only for a while',
      ),
    ],
  },
  {
    id: 'F14',
    what: 'Deadlocks and other conflicts of transactions.',
    tests: [
      check('test/chaos/deadlock.test.ts', 'a storm of transactions in opposite orders does every task once'),
      check(ON_POSTGRES, 'a deadlock is run again, and both transactions end well'),
      check(ON_MYSQL, 'a conflict that stays is DATABASE_BUSY after a few attempts'),
    ],
  },
  {
    id: 'F15',
    what: 'The database takes no more connections or is a standby, or somebody else locks its rows.',
    tests: [
      check(ON_POSTGRES, 'a missing database, a standby and too many connections are DATABASE_UNAVAILABLE'),
      check(
        'test/contract/claim.test.ts',
        'a task that somebody else is changing is passed over, not waited for',
      ),
    ],
  },
  {
    id: 'F16',
    what: 'Hints are lost, or nobody hears them any more.',
    tests: [
      check('test/chaos/wake-up.test.ts', 'a task whose hint never comes is found by polling'),
      check(
        'test/chaos/wake-up.test.ts',
        'a listener whose connection is cut comes back, and nothing is missed meanwhile',
      ),
    ],
  },
  {
    id: 'F17',
    what: 'A pooler stands between, and lends connections for one transaction each.',
    tests: [
      check(
        'test/faults/pooler.test.ts',
        'tasks run, are paused, resumed and deleted, and many of them at once',
      ),
    ],
  },
  {
    id: 'F18',
    what: 'Contexts that are too large, and reports without pause.',
    tests: [
      check('test/unit/json.test.ts', 'counts bytes, to the limit and not beyond'),
      check(
        'test/lifecycle/misbehaviour.test.ts',
        'a generator that yields without ever waiting still hears that it should stop',
      ),
    ],
  },
  {
    id: 'F19',
    what: 'Rows that no longer fit: another schema, an unknown version, contexts that nobody can read.',
    tests: [
      check(
        VERSIONS,
        'an upgrade that throws fails the task with its reason, keeps the context and harms nobody else',
      ),
      check(
        'test/lifecycle/codec.test.ts',
        'what nobody can decode any more can be deleted: after a while its cleanup is given nothing',
      ),
    ],
  },
  {
    id: 'F20',
    what: 'Hostile texts everywhere.',
    tests: [
      check(HOSTILE, 'names by chance come back as they went, or are refused before the wire'),
      check(HOSTILE, 'the prototype of all objects and the tables of the database stay as they are'),
    ],
  },
  {
    id: 'F21',
    what: 'Handlers that misbehave in every way we could think of.',
    tests: [
      check('test/lifecycle/misbehaviour.test.ts', 'never ends and ignores'),
      check(
        'test/lifecycle/misbehaviour.test.ts',
        'what a handler reports after it was abandoned is refused',
      ),
    ],
  },
  {
    id: 'F22',
    what: 'A transaction that somebody keeps open keeps old versions of all rows.',
    tests: [
      check(
        'test/faults/old-snapshot.test.ts',
        'keeps no task from being done, and no event from being told, and makes nothing much slower',
      ),
    ],
  },
  {
    id: 'F23',
    what: 'Two releases run beside each other.',
    tests: [check(VERSIONS, 'a replica takes only versions that it can read')],
  },
  {
    id: 'F24',
    what: 'Replicas that know different types.',
    tests: [contract('claim', 'a claim takes only the types it names, and none if it names none')],
  },
  {
    id: 'F25',
    what: 'Many replicas start at once.',
    tests: [
      check('test/chaos/crowd.test.ts', 'ten replicas start at once on a fresh database, and all come up'),
      check(
        'test/contract/migrate.test.ts',
        'ten processes that start together on a fresh database all find it ready',
      ),
    ],
  },
  {
    id: 'F26',
    what: 'A replica is told to stop while a handler takes no notice.',
    tests: [
      check(
        'test/chaos/hand-over.test.ts',
        'a handler that takes no notice is left behind when its grace is over',
      ),
    ],
  },
];
