/** The table of a task's life: that it says what we agreed on, and that no task can get lost in it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  arrows,
  type Event,
  EVENTS,
  LEASED,
  markOf,
  PUBLIC_STATES,
  removable,
  showing,
  stateOf,
  STATUS,
  type Status,
  STATUSES,
  SYSTEM_EVENTS,
  type Target,
  TASK_EVENTS,
  transition,
  USER_EVENTS,
} from '../../src/core/status.ts';

/** Written down a second time, by hand: `=` changes nothing, `.` is refused. */
const AGREED = `
                  run              pause            delete           claim            unclaim          yield            recover          expire           retry            finish           fail             snooze           wait             wake
init/none         pending/run      paused/pause     removed          .                .                .                .                .                .                .                .                .                .                .
pending/run       =                paused/pause     pending/delete   running/run      .                .                .                .                .                .                .                .                .                .
running/run       =                running/pause    running/delete   .                pending/run      paused/run       paused/run       failed/run       pending/run      finished/run     failed/run       pending/run      waiting/run      .
running/pause     running/run      =                running/delete   .                paused/pause     paused/pause     paused/pause     paused/pause     paused/pause     finished/run     failed/run       paused/pause     paused/pause     .
running/delete    .                .                =                .                pending/delete   pending/delete   pending/delete   pending/delete   pending/delete   pending/delete   pending/delete   pending/delete   pending/delete   .
waiting/run       =                paused/pause     pending/delete   .                .                .                .                .                .                .                .                .                .                paused/run
waiting/delete    .                .                =                .                .                .                .                .                .                .                .                .                .                paused/delete
paused/run        =                paused/pause     pending/delete   running/run      .                .                .                .                .                .                .                .                .                .
paused/pause      pending/run      =                pending/delete   .                .                .                .                .                .                .                .                .                .                .
finished/run      .                .                pending/delete   .                .                .                .                .                .                .                .                .                .                .
failed/run        pending/run      .                pending/delete   .                .                .                .                .                .                .                .                .                .                .
pending/delete    .                .                =                deleting/delete  .                .                .                .                .                .                .                .                .                .
deleting/delete   .                .                =                .                pending/delete   paused/delete    paused/delete    failed/delete    .                removed          failed/delete    pending/delete   waiting/delete   .
paused/delete     .                .                =                deleting/delete  .                .                .                .                .                .                .                .                .                .
failed/delete     .                .                pending/delete   .                .                .                .                .                pending/delete   .                .                .                .                .
`;

const VISIBLE = STATUSES.filter((status) => STATUS[status].shows !== 'deleting');

describe('the table of statuses', () => {
  it('says what was agreed, cell by cell', () => {
    const [head = [], ...rows] = AGREED.trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    assert.deepEqual([...head].toSorted(), [...EVENTS].toSorted());
    assert.deepEqual(new Set(rows.map(([status]) => status)), new Set<string | undefined>(STATUSES));
    for (const [status = '', ...cells] of rows) {
      for (const [index, cell] of cells.entries()) {
        const event = head[index] as Event;
        const expected = cell === '=' ? status : cell === '.' ? undefined : cell;
        assert.equal(transition(status as Status, event), expected, `${event} in ${status}`);
      }
    }
  });

  it('has every status within reach of a new task', () => {
    assert.deepEqual([...reached('init/none')].filter(isStatus).toSorted(), [...STATUSES].toSorted());
  });

  it('has a way out of the database from every status', () => {
    for (const status of STATUSES) assert.ok(reached(status).has('removed'), status);
  });

  it('has no status from which a user who deletes does not get the task removed in the end', () => {
    for (const status of VISIBLE) {
      const target = transition(status, 'delete');
      assert.ok(target !== undefined, `${status} can't be deleted`);
      assert.ok(target === 'removed' || markOf(target) === 'delete', `${status} goes to ${target}`);
    }
  });

  it('never loses a delete mark', () => {
    for (const status of STATUSES.filter((one) => markOf(one) === 'delete')) {
      for (const event of EVENTS) {
        const target = transition(status, event);
        assert.ok(
          target === undefined || target === 'removed' || markOf(target) === 'delete',
          `${event} in ${status}`,
        );
      }
    }
  });

  it('removes a task only when it never ran or its cleanup is done', () => {
    const removals = EVENTS.flatMap((event) =>
      arrows(event)
        .filter(({ to }) => to === 'removed')
        .map(({ from }) => `${event} in ${from}`),
    );
    assert.deepEqual(removals, ['delete in init/none', 'finish in deleting/delete']);
  });

  it('has a lease for exactly those that can expire and be recovered', () => {
    for (const status of STATUSES) {
      const leased = STATUS[status].leased === true;
      for (const event of ['expire', 'recover', 'unclaim', 'yield', 'finish', 'fail'] as const) {
        assert.equal(transition(status, event) !== undefined, leased, `${event} in ${status}`);
      }
      assert.equal(LEASED.includes(status), leased);
    }
  });

  it('gives up the lease with every event of the system and of the task, and with none of the user', () => {
    for (const status of LEASED) {
      for (const event of EVENTS) {
        const target = transition(status, event);
        if (target === undefined) continue;
        const stays = target !== 'removed' && STATUS[target].leased === true;
        assert.equal(stays, USER_EVENTS.includes(event as never), `${event} in ${status}`);
      }
    }
  });

  it('lets a replica claim exactly those that wait in a queue', () => {
    for (const status of STATUSES) {
      assert.equal(transition(status, 'claim') !== undefined, STATUS[status].waits !== undefined, status);
    }
  });

  it('keeps those asked to go in the queue for cleanups and the others in the queue for runs', () => {
    for (const status of STATUSES) {
      const { waits } = STATUS[status];
      if (waits === undefined) continue;
      assert.equal(waits.queue, markOf(status) === 'delete' ? 'cleanup' : 'run');
      assert.equal(waits.ahead, stateOf(status) === 'paused');
    }
  });

  it('honours the mark of a task whose replica is gone or hands it over', () => {
    for (const event of ['recover', 'unclaim', 'yield'] as const) {
      for (const { from, to } of arrows(event))
        assert.equal(to === 'removed' ? '' : markOf(to), markOf(from));
    }
  });

  it('lets a user change their mind while a task is stopping', () => {
    for (const event of USER_EVENTS) assert.ok(transition('running/pause', event) !== undefined);
  });
});

describe('what is derived from the table', () => {
  it('shows each status as one public state, and each public state has a status', () => {
    assert.deepEqual(PUBLIC_STATES.flatMap(showing).toSorted(), [...STATUSES].toSorted());
    for (const state of PUBLIC_STATES) assert.ok(showing(state).length > 0, state);
  });

  it('shows a task that is to be cleaned up as deleting', () => {
    for (const status of STATUSES) {
      const going = markOf(status) === 'delete' && stateOf(status) !== 'running';
      assert.equal(STATUS[status].shows === 'deleting', going, status);
    }
  });

  it('reads state and mark off the name', () => {
    for (const status of STATUSES) assert.equal(`${stateOf(status)}/${markOf(status)}`, status);
  });

  it('has all events once, each from one cause, and each used', () => {
    assert.deepEqual(EVENTS, [...USER_EVENTS, ...SYSTEM_EVENTS, ...TASK_EVENTS]);
    assert.equal(new Set(EVENTS).size, 14);
    for (const event of EVENTS) assert.ok(arrows(event).length > 0, event);
  });

  it('has the changes of an event as arrows, without what changes nothing', () => {
    assert.deepEqual(arrows('retry'), [
      { from: 'running/run', to: 'pending/run' },
      { from: 'running/pause', to: 'paused/pause' },
      { from: 'running/delete', to: 'pending/delete' },
      { from: 'failed/delete', to: 'pending/delete' },
    ]);
    assert.deepEqual(
      arrows('pause').map(({ from }) => from),
      ['init/none', 'pending/run', 'running/run', 'waiting/run', 'paused/run'],
    );
  });

  it('lets an end remove the record only where no cleanup is due', () => {
    const targets: readonly Target[] = [...STATUSES, 'removed'];
    assert.deepEqual(targets.filter(removable), ['finished/run', 'failed/run']);
  });

  it('does not compile with a target that is no status', () => {
    type Row = (typeof STATUS)[Status];
    // @ts-expect-error -- there is no such status
    const wrongTarget: Row = { shows: 'init', on: { run: 'pending/pause' } };
    // @ts-expect-error -- there is no such event
    const wrongEvent: Row = { shows: 'init', on: { stop: 'pending/run' } };
    // @ts-expect-error -- a status is missing
    const incomplete: Readonly<Record<Status, Row>> = { 'init/none': STATUS['init/none'] };
    assert.equal([wrongTarget, wrongEvent, incomplete].length, 3);
  });
});

/** All that can follow from `status`, in any number of events. */
function reached(status: Status): ReadonlySet<Target> {
  const found = new Set<Target>([status]);
  for (const target of found) {
    if (!isStatus(target)) continue;
    for (const event of EVENTS) {
      const next = transition(target, event);
      if (next !== undefined) found.add(next);
    }
  }
  return found;
}

function isStatus(target: Target): target is Status {
  return target !== 'removed';
}
