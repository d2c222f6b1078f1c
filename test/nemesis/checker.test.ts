/** The checker of a nemesis finds nothing wrong where nothing is, and every kind of violation where one was planted. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { INVARIANTS } from '../../nemesis/checker.ts';
import { Evidence, type Findings, staleWrites } from '../../nemesis/evidence.ts';
import type { Entry, HandlerEntry } from '../../nemesis/ledger.ts';
import { verdictOn } from '../../nemesis/report.ts';
import type { HistoryRecord, Sighting, TaskRecord } from '../../nemesis/witness.ts';

const START = 100_000;

/** A history and a ledger as a short, peaceful run would leave them; tests bend one thing in it. */
class Story {
  readonly records: HistoryRecord[] = [];
  readonly entries: Entry[] = [];
  readonly sightings: Sighting[] = [];
  readonly numbers: { task: number; step: number }[] = [];
  tasksLeft = 0;

  record(task: number, at: number, more: Partial<TaskRecord> = {}): this {
    const before = this.#last(task);
    const nobody: TaskRecord = {
      kind: before === undefined ? 'created' : 'changed',
      seq: 0,
      at: 0,
      task,
      type: 'steady',
      key: `task ${task}`,
      group: 'here',
      status: 'pending/run',
      owner: undefined,
      epoch: 0,
      crashes: 0,
      budget: 2,
      queue: 'run',
      precedence: 0,
      turn: START,
      context: undefined,
    };
    const fresh = { kind: nobody.kind, seq: this.records.length + 1, at: START + at };
    this.records.push({ ...nobody, ...before, ...fresh, ...more });
    return this;
  }

  claim(task: number, at: number, owner: string, status: TaskRecord['status'] = 'running/run'): this {
    const epoch = (this.#last(task)?.epoch ?? 0) + 1;
    return this.record(task, at, { status, owner, epoch, queue: undefined });
  }

  /** Owner and status as after an end of any kind. */
  leave(task: number, at: number, status: TaskRecord['status'], more: Partial<TaskRecord> = {}): this {
    const queue = { 'paused/run': 'run', 'pending/run': 'run', 'pending/delete': 'cleanup' }[
      status as string
    ];
    return this.record(task, at, { status, owner: undefined, queue, ...more });
  }

  handler(what: HandlerEntry['what'], at: number, more: Partial<HandlerEntry> = {}): this {
    const entry = { kind: 'handler', what, process: 'r1.1', task: 1, type: 'steady', epoch: 1 } as const;
    this.entries.push({ ...entry, at, ...more });
    return this;
  }

  order(order: 'create' | 'run' | 'pause' | 'delete' | 'move', at: number, task = 1): this {
    for (const what of ['asked', 'done'] as const)
      this.entries.push({ kind: 'order', what, order, key: `task ${task}`, task, at });
    return this;
  }

  process(
    what: 'started' | 'told to go' | 'ended' | 'stumbled',
    at: number,
    why = '0',
    process = 'r1.1',
  ): this {
    this.entries.push({ kind: 'process', what, process, why, at });
    return this;
  }

  /** The last record was committed only then. */
  committed(at: number): this {
    this.sightings.push({ seq: this.records.length, at: START + at });
    return this;
  }

  stalled(process: string, since: number, until: number): this {
    this.entries.push({ kind: 'fault', fault: 'network stalled', process, since, until, at: until });
    return this;
  }

  strikeOff(replica: string, at: number, leaseLeft = 0, pid = 0): this {
    const seq = this.records.length + 1;
    this.records.push({
      kind: 'struck off',
      seq,
      at: START + at,
      replica,
      name: `host:${pid}`,
      leaseUntil: START + at + leaseLeft,
    });
    return this;
  }

  evidence(): Evidence {
    const { records, sightings, entries, numbers, tasksLeft } = this;
    const findings: Findings = {
      records,
      sightings,
      entries: entries.toSorted((one, other) => one.at - other.at),
      numbers,
      tasksLeft,
      clockOffset: START,
    };
    return new Evidence(findings);
  }

  #last(task: number): TaskRecord | undefined {
    const found = this.records.findLast((record) => record.kind !== 'struck off' && record.task === task);
    return found as TaskRecord | undefined;
  }
}

const wrote = (step: number, epoch: number, process = 'r1.1') => ({ context: { step, epoch, process } });

/** Created, run, taken over after a crash, finished; the first owner tries to write once more and is refused. */
function peaceful(): Story {
  const story = new Story()
    .order('create', 0)
    .record(1, 0)
    .claim(1, 10, 'A')
    .handler('begin', 11, { step: 0 });
  story.handler('did', 20, { step: 1 }).record(1, 21, wrote(1, 1)).handler('acked', 22, { step: 1 });
  story.handler('signal', 2500).handler('end', 2501);
  story.strikeOff('A', 3000).leave(1, 3010, 'paused/run', { crashes: 1 }).claim(1, 3020, 'B');
  const heir = { process: 'r2.1', epoch: 2 };
  story.handler('begin', 3021, { ...heir, step: 1 }).handler('did', 3030, { ...heir, step: 2 });
  story.record(1, 3031, wrote(2, 2, 'r2.1')).handler('acked', 3032, { ...heir, step: 2 });
  story.handler('refused', 3040, { step: 2, why: 'LEASE_LOST', type: 'careless' });
  story.handler('end', 3050, heir).leave(1, 3060, 'finished/run');
  story.process('told to go', 9000, '', 'r2.1').process('ended', 9100, '0', 'r2.1');
  story.tasksLeft = 1;
  return story;
}

/** The same, then deleted. */
function deleted(): Story {
  const story = peaceful()
    .order('delete', 4000)
    .leave(1, 4001, 'pending/delete')
    .claim(1, 4010, 'B', 'deleting/delete');
  const cleanup = { process: 'r2.1', epoch: 3 };
  story.handler('cleaning', 4011, { ...cleanup, step: 2 }).handler('cleaned', 4020, cleanup);
  story.record(1, 4030, { kind: 'gone' });
  story.tasksLeft = 0;
  return story;
}

/** So many more handlers of its first process begin at `when`. */
function crowded(story: Story, when: number, count = 10): Story {
  for (let task = 10; task < 10 + count; task++)
    story.handler('begin', when, { task, step: 0 }).handler('end', when + 10, { task });
  return story;
}

/** A handler that was told to stop at 1000, and ends at 5000. */
function slow(): Story {
  return new Story().handler('begin', 0, { step: 0 }).handler('signal', 1000).handler('end', 5000);
}

/** What is bent, and which invariant must notice. */
const PLANTED: Readonly<Record<string, readonly (readonly [what: string, bent: () => Story])[]>> = {
  I1: [
    [
      'an epoch that stays at a claim',
      () =>
        peaceful()
          .order('run', 5000)
          .leave(1, 5001, 'pending/run')
          .record(1, 5002, { status: 'running/run', owner: 'B' }),
    ],
    ['an epoch that jumps', () => peaceful().record(1, 5000, { epoch: 9 })],
  ],
  I2: [['a stale write that was accepted', () => peaceful().record(1, 5000, wrote(3, 1))]],
  I3: [
    [
      'a task taken from a living owner',
      () => new Story().order('create', 0).record(1, 0).claim(1, 1, 'A').claim(1, 2, 'B'),
    ],
    [
      'a claim of one who had been struck off',
      () => new Story().order('create', 0).record(1, 0).strikeOff('A', 1).claim(1, 2, 'A'),
    ],
    [
      'a rescue from one who is alive',
      () =>
        new Story()
          .order('create', 0)
          .record(1, 0)
          .claim(1, 1, 'A')
          .leave(1, 2, 'paused/run', { crashes: 1 }),
    ],
    [
      'one struck off before its lease had ended',
      () => new Story().order('create', 0).record(1, 0).claim(1, 1, 'A').strikeOff('A', 2, 500),
    ],
  ],
  I4: [['two at work at once', () => peaceful().handler('did', 3400, { step: 2 })]],
  I5: [
    ['an acknowledged report that was forgotten', () => peaceful().handler('acked', 2400, { step: 5 })],
    [
      'an acknowledged transaction without its row',
      () => peaceful().handler('acked', 2300, { step: 1, type: 'exact' }),
    ],
  ],
  I6: [
    ['a context that goes back', () => peaceful().record(1, 5000, wrote(1, 2, 'r2.1'))],
    [
      'a transaction done twice',
      () => {
        const story = peaceful();
        story.numbers.push({ task: 1, step: 1 }, { task: 1, step: 1 });
        return story;
      },
    ],
  ],
  I7: [['a finished task that runs again by itself', () => peaceful().leave(1, 5000, 'pending/run')]],
  I8: [['a task that nobody goes on with', () => peaceful().order('run', 5000).leave(1, 5001, 'paused/run')]],
  I9: [
    ['a status from nowhere', () => peaceful().leave(1, 5000, 'running/delete')],
    [
      'a task that is missing',
      () => {
        const story = peaceful();
        story.tasksLeft = 0;
        return story;
      },
    ],
  ],
  I10: [
    ['a lost deletion', () => peaceful().order('delete', 5000)],
    ['a lost move', () => peaceful().order('move', 5000)],
    ['a task that vanished', () => deleted().order('create', 0, 2).order('pause', 10, 3)],
  ],
  I11: [
    [
      'orders that nobody hears for long',
      () => peaceful().order('pause', 500).order('pause', 600).order('run', 2600),
    ],
  ],
  I12: [
    [
      'a removal without a cleanup',
      () => {
        const story = deleted();
        story.entries.splice(
          story.entries.findIndex((entry) => 'what' in entry && entry.what === 'cleaned'),
          1,
        );
        return story;
      },
    ],
    ['a cleanup after the end', () => deleted().handler('cleaning', 5000, { epoch: 4, step: 2 })],
  ],
  I13: [
    [
      'one crash too many',
      () =>
        new Story()
          .order('create', 0)
          .record(1, 0, { crashes: 2 })
          .claim(1, 1, 'A')
          .strikeOff('A', 2)
          .leave(1, 3, 'paused/run', { crashes: 3 }),
    ],
    ['a process that stumbled', () => peaceful().process('stumbled', 5000, 'unhandled')],
  ],
  I14: [
    [
      'a group over its limit',
      () => {
        const story = new Story();
        for (let task = 1; task <= 4; task++)
          story.record(task, 0, { group: 'limited' }).claim(task, task, 'A');
        return story;
      },
    ],
    ['a process with too many handlers', () => crowded(peaceful(), 100)],
    ['too many handlers, one of which was just told to stop', () => crowded(slow(), 2000, 6)],
  ],
  I15: [
    [
      'one who is passed over',
      () =>
        new Story()
          .order('create', 0)
          .record(1, 0)
          .record(2, 6000, { turn: START + 6000 })
          .claim(2, 6001, 'A'),
    ],
    ['one who is passed over while somebody else is held up', () => passedOverBy('B')],
  ],
  I16: [
    [
      'a task that crashed when its process went in order',
      () => {
        const story = new Story()
          .order('create', 0)
          .record(1, 0)
          .claim(1, 10, 'A')
          .handler('begin', 11, { step: 0 });
        story.process('told to go', 20).process('ended', 30).strikeOff('A', 3000);
        return story.leave(1, 3010, 'paused/run', { crashes: 1 });
      },
    ],
    [
      'a process that did not go by itself',
      () => peaceful().process('told to go', 6000).process('ended', 16_000, 'SIGKILL'),
    ],
    [
      'a process that died of what told it to go',
      () => peaceful().process('started', 5).process('told to go', 6000).process('ended', 6010, 'SIGTERM'),
    ],
  ],
};

/** Task 2 is taken by A before task 1 by `other`; meanwhile `victim` was stalled. */
function passedOverBy(victim: 'A' | 'B', other: 'A' | 'B' = 'B'): Story {
  const story = new Story()
    .order('create', 0)
    .record(1, 0)
    .record(2, 3000, { turn: START + 3000 });
  story
    .claim(2, 6000, 'A')
    .claim(1, other === 'A' ? 6000 : 6001, other)
    .leave(2, 6100, 'finished/run')
    .leave(1, 6100, 'finished/run');
  for (const [replica, process, pid] of [
    ['A', 'r1.1', 1],
    ['B', 'r2.1', 2],
  ] as const) {
    story.entries.push({ kind: 'process', what: 'spawned', process, pid, at: 0 });
    story.strikeOff(replica, 9000, 0, pid);
    if (replica === victim) story.stalled(process, 100, 5900);
  }
  story.tasksLeft = 2;
  return story;
}

/** A process that is told to go as soon as it is there. */
function unheard(): Story {
  return peaceful().process('told to go', 6000, '', 'r3.1').process('ended', 6010, 'SIGTERM', 'r3.1');
}

/** Task 1 is to wait again, says a transaction that took long to be committed. */
function committedLate(): Story {
  const story = new Story().order('create', 0).record(1, 0).committed(5000);
  story
    .record(2, 5500, { turn: START + 5500 })
    .claim(2, 6000, 'A')
    .claim(1, 6001, 'A');
  story.leave(2, 6100, 'finished/run').leave(1, 6100, 'finished/run');
  story.tasksLeft = 2;
  return story;
}

describe('the checker of a nemesis', () => {
  for (const [name, story] of [
    ['a peaceful run', peaceful],
    ['a task that was deleted', deleted],
    ['one who was passed over by whoever was held up after it had chosen', () => passedOverBy('A')],
    ['a handler whose slot went to another when its grace was over', () => crowded(slow(), 3100, 6)],
    ['a process that was told to go before it could hear', unheard],
    ['those who were taken together, the later one written first', () => passedOverBy('B', 'A')],
    ['one who was passed over before anybody could see that it waits', committedLate],
  ] as const)
    it(`finds nothing wrong with ${name}`, () => {
      const evidence = story().evidence();
      for (const { id, violations } of INVARIANTS) assert.deepEqual([id, ...violations(evidence)], [id]);
    });

  it('has a planted violation for each invariant', () => {
    assert.deepEqual(
      INVARIANTS.map(({ id }) => id),
      Object.keys(PLANTED),
    );
  });

  for (const { id, violations } of INVARIANTS)
    for (const [what, bent] of PLANTED[id] ?? [])
      it(`${id} notices ${what}`, () => {
        assert.notDeepEqual([...violations(bent().evidence())], []);
      });

  it('counts refused writes of those whose task had been taken over', () => {
    assert.equal(staleWrites(peaceful().evidence()), 1);
  });

  it('does not let a run count that provoked too little, or found a violation', () => {
    const enough = { tasks: 1, faults: 0, stale: 1 };
    assert.equal(verdictOn('good', peaceful().evidence(), enough).good, true);
    assert.equal(verdictOn('few tasks', peaceful().evidence(), { ...enough, tasks: 2 }).good, false);
    assert.equal(verdictOn('few faults', peaceful().evidence(), { ...enough, faults: 1 }).good, false);
    assert.equal(verdictOn('none stale', peaceful().evidence(), { ...enough, stale: 2 }).good, false);
    const [bent] = PLANTED['I2'] ?? [];
    assert.equal(verdictOn('violated', bent![1]().evidence(), enough).good, false);
  });
});
