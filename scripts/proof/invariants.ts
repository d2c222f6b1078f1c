/** What holds whatever happens, in words, and where each of it is checked. `docs/proof.md` is made of this. */
import { type Check, check, contract, HISTORIES, model, NEMESIS, REFERENCE, SIMULATION } from './checks.ts';

export interface Invariant {
  readonly id: string;
  readonly statement: string;
  readonly checks: readonly Check[];
}

const KILL = 'test/chaos/kill.test.ts';
const STATUS = 'test/unit/status.test.ts';
const LEASE = 'test/unit/lease.test.ts';
const POSTGRES = 'test/chaos/postgres.test.ts';
const WAKE_UP = 'test/chaos/wake-up.test.ts';

export const INVARIANTS: readonly Invariant[] = [
  {
    id: 'I1',
    statement:
      'Each claim of a task has a higher epoch than all before it, and what is written carries the latest.',
    checks: [
      SIMULATION,
      model('EPOCHS'),
      HISTORIES,
      contract(
        'claim',
        'a task that is taken again comes with the next epoch, and its former holder can write no more',
      ),
      contract('claim', 'a replica that takes the same task again cannot write under its former epoch'),
      NEMESIS,
    ],
  },
  {
    id: 'I2',
    statement: 'Once a task has been taken from a replica, nothing that replica writes about it is accepted.',
    checks: [
      SIMULATION,
      model('STALE'),
      HISTORIES,
      contract(
        'settle',
        'whoever has the wrong epoch, owner or id writes nothing, in no status and by no event',
      ),
      contract('checkpoint', 'a replica that is rescued from writes no more'),
      check(
        'test/chaos/freeze.test.ts',
        'frozen for twice its lease: it can write nothing, knows it at once, and starts over',
      ),
      NEMESIS,
    ],
  },
  {
    id: 'I3',
    statement: 'At no moment of the database’s time do two replicas hold one task.',
    checks: [
      SIMULATION,
      HISTORIES,
      contract('claim', 'without a live lease nothing is taken'),
      contract('claim', 'replicas that take at once never get the same task, and leave none'),
      contract('renew-and-held', 'a lease that has ended never comes back'),
      NEMESIS,
    ],
  },
  {
    id: 'I4',
    statement:
      'A handler is told to stop before its replica’s lease ends, so that no two are at work on one task, unless a process stands still.',
    checks: [
      SIMULATION,
      model('ALONE'),
      check(LEASE, 'ends by our own clock before the database lets it go, with no database needed'),
      check(
        POSTGRES,
        'gone for longer than the lease: handlers are told before it ends, without any contact',
      ),
      NEMESIS,
    ],
  },
  {
    id: 'I5',
    statement: 'A report that was acknowledged is there for whoever goes on with the task.',
    checks: [
      SIMULATION,
      model('ACKED'),
      HISTORIES,
      contract('settle', 'the last report moves together with the status'),
      check(KILL, 'its task goes on elsewhere from the last acknowledged checkpoint, if its type wants it'),
      NEMESIS,
    ],
  },
  {
    id: 'I6',
    statement: 'A context never goes back to an earlier one.',
    checks: [SIMULATION, model('ACKED'), HISTORIES, NEMESIS],
  },
  {
    id: 'I7',
    statement: 'What has finished, or is gone, stays so until a user asks for something.',
    checks: [SIMULATION, model('TERMINAL'), contract('settle', 'nobody settles twice'), NEMESIS],
  },
  {
    id: 'I8',
    statement: 'Nothing gets stuck: with one live replica of its type, every task goes on.',
    checks: [
      SIMULATION,
      model('ENDS'),
      model('runs_end'),
      REFERENCE,
      check('test/lifecycle/faults.test.ts', 'a claim whose answer is lost is given back and runs'),
      check(WAKE_UP, 'a task whose hint never comes is found by polling'),
      NEMESIS,
    ],
  },
  {
    id: 'I9',
    statement: 'Every status can be reached, seen and left, and no task disappears that nobody deleted.',
    checks: [
      SIMULATION,
      check(STATUS, 'has every status within reach of a new task'),
      check(STATUS, 'has a way out of the database from every status'),
      REFERENCE,
      NEMESIS,
    ],
  },
  {
    id: 'I10',
    statement: 'What a user was told is done: it shows, or something later has superseded it.',
    checks: [
      SIMULATION,
      model('MARKS'),
      HISTORIES,
      REFERENCE,
      contract(
        'change',
        'users who ask for different things at once get an answer each, and no delete is lost',
      ),
      NEMESIS,
    ],
  },
  {
    id: 'I11',
    statement: 'A pause or delete reaches the handler soon, and the last word counts.',
    checks: [
      SIMULATION,
      model('MARKS'),
      check(
        WAKE_UP,
        'a task created here starts there, and a pause or delete reaches its handler, without a poll',
      ),
      check(
        KILL,
        'its task that was to be paused is paused, and its task that was to go is cleaned up and goes',
      ),
      NEMESIS,
    ],
  },
  {
    id: 'I12',
    statement:
      'A task that was to go is gone only after its cleanup has reported success, and never is cleaned up again after that.',
    checks: [
      SIMULATION,
      model('CLEANUP'),
      model('deletes_end'),
      REFERENCE,
      check(STATUS, 'removes a task only when it never ran or its cleanup is done'),
      contract('settle', 'ends and deletes that meet lose neither the delete nor the cleanup'),
      NEMESIS,
    ],
  },
  {
    id: 'I13',
    statement: 'A task that kills whoever runs it fails when its budget is spent, and the others run.',
    checks: [
      SIMULATION,
      check(KILL, 'a task that kills each replica that runs it ends as failed, and the others run'),
      contract('rescue', 'a task whose budget is spent fails'),
      NEMESIS,
    ],
  },
  {
    id: 'I14',
    statement: 'At no moment do more tasks run than a limit or the slots of a replica allow.',
    checks: [
      SIMULATION,
      model('LIMIT'),
      contract('limits', 'many askers at once never exceed a limit, and between them use all of it'),
      contract('limits', 'a slot of a dead replica is free once its task was rescued, not before'),
      REFERENCE,
      check(
        'test/chaos/limits.test.ts',
        'are never exceeded, whichever replicas are killed when, and all tasks end',
      ),
      NEMESIS,
    ],
  },
  {
    id: 'I15',
    statement:
      'Of those that may start, who has waited longest is next; whoever was running already goes before all.',
    checks: [
      SIMULATION,
      contract('claim', 'whoever has waited longest is next, and those created together go by their ids'),
      contract('claim', 'those that were handed over go before all that queued up'),
      REFERENCE,
      NEMESIS,
    ],
  },
  {
    id: 'I16',
    statement:
      'A replica that stops costs no task anything: none fails, no attempt is used up, others go on at once.',
    checks: [
      SIMULATION,
      REFERENCE,
      check(
        'test/chaos/hand-over.test.ts',
        'SIGTERM during ten running tasks: all go on elsewhere as if nothing had been',
      ),
      check('test/lifecycle/failure.test.ts', 'pauses, hand-overs and stops count as no attempt'),
      NEMESIS,
    ],
  },
  {
    id: 'I17',
    statement: 'Of one key and type there is one task at most, however many create it at once.',
    checks: [
      SIMULATION,
      check(
        'test/lifecycle/creation.test.ts',
        'a key makes a task the only one of its type while it exists, whoever asks at once',
      ),
    ],
  },
  {
    id: 'I18',
    statement: 'Whoever may see one user’s tasks changes, reads and counts no others.',
    checks: [
      contract('owner', 'a task of another user is not found, whatever is asked of it, and stays as it is'),
      contract('owner', 'changes of many leave tasks of other users alone'),
      contract('owner', 'every statement about tasks names the owner'),
      check('test/dashboard/scope.test.ts', 'a foreign id can not be told from one that was never given'),
    ],
  },
  {
    id: 'I19',
    statement: 'No loop of a replica ever ends by itself, and no failure but an order ends its process.',
    checks: [
      SIMULATION,
      check(
        'test/unit/loop.test.ts',
        'tries again after pauses that grow, and tells a whole row of failures once',
      ),
      check(POSTGRES, 'nothing is lost, and all works again'),
      check(
        'test/lifecycle/misbehaviour.test.ts',
        'a logger, a listener and a schema that throw cost nobody anything but their own task',
      ),
    ],
  },
  {
    id: 'I20',
    statement:
      'Whatever it has done for however long, a replica leaves nothing behind: no timer, connection or memory.',
    checks: [
      SIMULATION,
      check(
        'test/chaos/hand-over.test.ts',
        'a process that ran tasks ends by itself after stop, and is no replica any more',
      ),
      check(
        'test/contract/database-postgres.test.ts',
        "closing a URL's database leaves no connection behind",
      ),
      check(LEASE, 'that is given up is struck off, which is no loss, and leaves no timer'),
    ],
  },
];
