/** `docs/states.md`: the status table for people. Every cell and every arrow comes from `src/core/status.ts`. */
import {
  arrows,
  type Event,
  EVENTS,
  type Mark,
  PUBLIC_STATES,
  type PublicState,
  showing,
  type State,
  type Status,
  STATUS,
  STATUSES,
  SYSTEM_EVENTS,
  type Target,
  TASK_EVENTS,
  transition,
  USER_EVENTS,
} from '../../src/core/status.ts';
import { table } from './markdown.ts';

const STATES: Readonly<Record<State, string>> = {
  init: 'It exists and waits for nothing: nobody has asked to run it yet.',
  pending: 'It waits in a queue: to be run, or, with the mark `delete`, to be cleaned up.',
  running: 'A replica holds it, and its `run` handler is at work or about to stop.',
  deleting: 'A replica holds it, and its `cleanup` handler is at work.',
  waiting: 'It gave its slot back until its children are done, or, with the mark `delete`, gone.',
  paused: 'It stopped at a checkpoint, and goes on from there when it is claimed or run again.',
  finished: 'Its `run` handler came to its end; the last context is its result.',
  failed: 'A handler threw, or its replica died; the error is kept on the task.',
};

const MARKS: Readonly<Record<Mark, string>> = {
  none: 'Nothing has been asked for.',
  run: 'It should run; it keeps this mark once it has finished or failed.',
  pause: 'It should stop and keep its checkpoint.',
  delete: 'It should stop, be cleaned up and go.',
};

const CAUSES: Readonly<Record<Event, string>> = {
  run: 'A user calls `runTask`.',
  pause: 'A user calls `pauseTask`.',
  delete: 'A user calls `deleteTask`.',
  claim: 'A replica takes the task from a queue.',
  unclaim:
    'Its handler never began: there was no slot in time, or its replica stops. It waits on at its place.',
  yield: 'The handler stopped because it was asked to, with its checkpoint stored; or it was abandoned.',
  recover: 'A task is taken back unharmed: a claim that never ran, or a crash that its type survives.',
  expire: 'The lease of its replica ended, and its type does not survive this crash.',
  retry: 'The handler threw and is tried again after a pause; or the pause after a failed cleanup is over.',
  wake: 'The last of its children is done, or gone.',
  wait: 'The handler waits for children: `children.done()`; or a cleanup has to come after theirs.',
  snooze: 'The handler gave its slot back for a while, with `snooze`.',
  finish: 'The handler came to its end.',
  fail: 'The handler threw.',
};

const VIEWS: Readonly<Record<PublicState, string>> = {
  init: 'created with `autoRun: false`, and not run yet',
  pending: 'waiting for a free slot',
  running: 'running, or handed over and next in line',
  canceling: 'running, and asked to stop',
  waiting: 'waiting for its children, without a slot',
  paused: 'stopped on request; `runTask` goes on from its checkpoint',
  finished: 'done',
  failed: 'ended by an error; `runTask` tries again from its checkpoint',
  deleting: 'asked to go, with its cleanup before it; shown only to those who ask with `includeDeleting`',
};

const GROUPS: readonly (readonly [heading: string, events: readonly Event[]])[] = [
  ['What users ask for', USER_EVENTS],
  ['What the engine does', SYSTEM_EVENTS],
  ['How handlers end', TASK_EVENTS],
];

export function statesPage(): string {
  return `# The life of a task

A task's **status** is a pair: its **state** (where it is) and its **mark** (what was asked of it), written
\`state/mark\`. An **event** is the only cause of a change. All of it is one table in
[\`src/core/status.ts\`](../src/core/status.ts); this page is made from it by \`npm run docs\`.

A new task begins at \`pending/run\`, or at \`init/none\` when it is created with \`autoRun: false\`.

## States

${table(['State', 'Meaning'], Object.entries(STATES).map(coded))}

## Marks

${table(['Mark', 'Meaning'], Object.entries(MARKS).map(coded))}

## Events

${table(
  ['Event', 'Cause'],
  EVENTS.map((event) => coded([event, CAUSES[event]])),
)}

## What users see

${table(
  ['`task.state`', 'Statuses behind it', 'Meaning'],
  PUBLIC_STATES.map((state) => [code(state), showing(state).map(code).join(', '), VIEWS[state]]),
)}

## Statuses

*Held* means that a replica has it in memory, by the right of its lease. *Waits* says in which queue it stands, and
whether it goes ahead of all others there because it was running already.

${table(['Status', 'Shown as', 'Held', 'Waits'], STATUSES.map(statusRow))}

## Which event leads where

\`·\` means refused (\`STATE_CONFLICT\` when a user asks), \`=\` means that what was asked for holds already, so nothing changes.

${table(['', ...EVENTS.map(code)], STATUSES.map(gridRow))}

${GROUPS.map(([heading, events]) => diagram(heading, events)).join('\n\n')}
`;
}

function statusRow(status: Status): readonly string[] {
  const { shows, leased, waits } = STATUS[status];
  const queue = waits === undefined ? '' : `${code(waits.queue)}${waits.ahead ? ', ahead' : ''}`;
  return [code(status), shows, leased === true ? 'yes' : '', queue];
}

function gridRow(status: Status): readonly string[] {
  const cells = EVENTS.map((event) => {
    const target = transition(status, event);
    if (target === undefined) return '·';
    return target === status ? '=' : target;
  });
  return [code(status), ...cells];
}

/** One diagram for a group of events; several that lead the same way share an arrow. */
function diagram(heading: string, events: readonly Event[]): string {
  const labels = new Map<string, Event[]>();
  const drawn = new Set<Status>();
  for (const event of events) {
    for (const { from, to } of arrows(event)) {
      drawn.add(from);
      if (to !== 'removed') drawn.add(to);
      const line = `${node(from)} --> ${node(to)}`;
      labels.set(line, [...(labels.get(line) ?? []), event]);
    }
  }
  const names = STATUSES.filter((status) => drawn.has(status)).map(
    (status) => `  state "${status}" as ${node(status)}`,
  );
  const lines = Array.from(labels, ([line, causes]) => `  ${line} : ${causes.join(', ')}`);
  const legend = events.map(code).join(', ');
  return [`## ${heading}`, '', legend, '', '```mermaid', 'stateDiagram-v2', ...names, ...lines, '```'].join(
    '\n',
  );
}

function node(target: Target): string {
  return target === 'removed' ? '[*]' : target.replace('/', '_');
}

function code(text: string): string {
  return `\`${text}\``;
}

function coded([name, meaning]: readonly [string, string]): readonly string[] {
  return [code(name), meaning];
}
