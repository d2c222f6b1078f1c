/** One task: how far it is, where it has been, what it goes on from, and everything that happened to it. */
import { useEffect } from 'preact/hooks';
import type { Action, HistoryView, TaskView as Task } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { askForReplicas } from '../live/replica-names.ts';
import { type Resource, useResource } from '../live/resource.ts';
import { Empty, Failure, Loaded } from '../parts/feedback.tsx';
import { Icon } from '../parts/icon.tsx';
import { hasProgress, ProgressBar, TimeLeft } from '../parts/progress.tsx';
import { StateBadge } from '../parts/state.tsx';
import { session } from '../session.ts';
import { Heading } from '../shell/heading.tsx';
import { useKeys } from '../shell/keyboard.tsx';
import { ContextCard } from '../task/context.tsx';
import { Errors } from '../task/errors.tsx';
import { CommandLine, Facts } from '../task/facts.tsx';
import { HistoryList, LogList } from '../task/history.tsx';
import { Json } from '../task/json.tsx';
import { Timeline } from '../task/timeline.tsx';
import { ACTIONS, changeTasks } from '../tasks/change.ts';
import { Owner, TaskTable } from '../tasks/table.tsx';
import { finePercent } from '../text/format.ts';
import { text } from '../text/text.ts';

/** Pages of the history asked for at once; what lies behind them is asked for by a button. */
const PAGES = 5;
const CHILDREN = 20;
const KEYS: Readonly<Record<string, Action>> = { r: 'run', p: 'pause', m: 'move', d: 'delete' };

interface Past {
  readonly entries: readonly HistoryView[];
  readonly more: boolean;
}

export function TaskView({ id }: { id: number }) {
  const mine = { staleBy: (entry: HistoryView): boolean => entry.task === id };
  const task = useResource(`task ${id}`, (abort) => api.task(id, abort), {
    ...mine,
    every: 10_000,
    withTask: (shown, seen) => (seen.id === id ? seen : shown),
  });
  useEffect(askForReplicas, []);
  const past = useResource(`history ${id}`, historyLoader(id), {
    ...mine,
    withTask: (shown, seen) => (seen.id === id ? undefined : shown),
  });
  return (
    <Loaded resource={task} lines={12} heading={`#${id}`}>
      {(found) => <Shown task={found} past={past} refresh={task.refresh} />}
    </Loaded>
  );
}

/** The history only grows: what is known stays, and what came later is added. */
function historyLoader(id: number): (abort: AbortSignal) => Promise<Past> {
  let entries: readonly HistoryView[] = [];
  let cursor: string | null = null;
  return async (abort) => {
    let more = true;
    for (let page = 0; more && page < PAGES; page += 1) {
      const found = await api.history(id, cursor, abort);
      entries = [...entries, ...found.entries];
      cursor = found.entries.at(-1)?.cursor ?? cursor;
      more = found.next !== null;
    }
    return { entries, more };
  };
}

function Shown({ task, past, refresh }: { task: Task; past: Resource<Past>; refresh: () => void }) {
  const entries = past.data.value?.entries ?? [];
  return (
    <>
      <Head task={task} refresh={refresh} />
      <div class="task-columns">
        <div class="task-main">
          <Errors task={task} />
          <TimelineCard task={task} past={past} />
          <ContextCard task={task} entries={entries} />
          <LogCard entries={entries} />
          <HistoryCard past={past} />
          <Children id={task.id} />
        </div>
        <div class="task-side">
          <Facts task={task} />
          <InputCard task={task} />
          <CommandLine task={task} />
        </div>
      </div>
    </>
  );
}

function Head({ task, refresh }: { task: Task; refresh: () => void }) {
  const words = text();
  const change = (action: Action): void => {
    void changeTasks(action, [task]).then((done) => {
      if (done) refresh();
    });
  };
  useKeys((key) => {
    const action = KEYS[key];
    if (action === undefined || !task.actions.includes(action)) return false;
    change(action);
    return true;
  });
  const progress = task.state === 'finished' ? 1 : task.progress;
  return (
    <>
      <p class="crumbs">
        <a href="tasks">{words.nav.tasks}</a>
        <Icon name="older" />
        <Owner user={task.user} group={task.group} />
      </p>
      <Heading title={`${task.type} #${task.id}`}>
        {ACTIONS.filter((action) => task.actions.includes(action)).map((action) => (
          <button
            type="button"
            class={action === 'delete' ? 'button danger-quiet' : 'button'}
            onClick={() => change(action)}
            key={action}
          >
            <Icon name={action} />
            {words.actions[action]}
          </button>
        ))}
      </Heading>
      <div class="task-progress">
        <div class="task-progress-words">
          <StateBadge state={task.state} />
          {task.message === null || task.message === '' ? null : (
            <span class="task-message">{task.message.slice(0, 1_000)}</span>
          )}
          <span class="task-figures">
            <TimeLeft task={task} />
            {progress === null ? null : <b>{finePercent(progress)}</b>}
          </span>
        </div>
        {hasProgress(task) ? <ProgressBar task={task} large /> : null}
      </div>
    </>
  );
}

function TimelineCard({ task, past }: { task: Task; past: Resource<Past> }) {
  const words = text().timeline;
  return (
    <section class="card" aria-labelledby="timeline">
      <header class="card-head">
        <h2 id="timeline">{words.title}</h2>
        <p class="card-note">{words.note}</p>
      </header>
      {session.value?.system.history === false ? (
        <Empty icon="handover" title={text().history.off}>
          {text().history.offWhy}
        </Empty>
      ) : (
        <Loaded resource={past} lines={3}>
          {({ entries }) => <Timeline entries={entries} created={task.createdAt} />}
        </Loaded>
      )}
    </section>
  );
}

function InputCard({ task }: { task: Task }) {
  const words = text().task;
  if (task.input === undefined || task.input === null) return null;
  return (
    <section class="card" aria-labelledby="input">
      <header class="card-head">
        <h2 id="input">{words.input}</h2>
      </header>
      <Json value={task.input} label={words.input} />
    </section>
  );
}

function LogCard({ entries }: { entries: readonly HistoryView[] }) {
  if (!entries.some(({ event }) => event === 'log')) return null;
  return (
    <section class="card" aria-labelledby="log">
      <header class="card-head">
        <h2 id="log">{text().log.title}</h2>
      </header>
      <LogList entries={entries} />
    </section>
  );
}

function HistoryCard({ past }: { past: Resource<Past> }) {
  const words = text().history;
  if (session.value?.system.history === false) return null;
  return (
    <section class="card" aria-labelledby="history">
      <header class="card-head">
        <h2 id="history">{words.title}</h2>
      </header>
      {past.error.value === undefined || past.data.value === undefined ? null : (
        <Failure error={past.error.value} />
      )}
      <Loaded resource={past} lines={6}>
        {({ entries, more }) => (
          <>
            <HistoryList entries={entries} />
            {more ? (
              <button type="button" class="link" onClick={past.refresh}>
                {words.loadMore}
              </button>
            ) : null}
          </>
        )}
      </Loaded>
    </section>
  );
}

function Children({ id }: { id: number }) {
  const query = new URLSearchParams({ parent: String(id), limit: String(CHILDREN) });
  const children = useResource(`children ${id}`, (abort, fresh) => api.tasks(query, abort, fresh), {
    pace: 3_000,
    withTask: (list, task) => ({
      ...list,
      tasks: list.tasks.map((child) => (child.id === task.id ? task : child)),
    }),
  });
  const found = children.data.value;
  if (found === undefined || found.tasks.length === 0) return null;
  return (
    <section class="card flush" aria-labelledby="children">
      <header class="card-head">
        <h2 id="children">{text().task.children}</h2>
        <a class="card-note" href={`tasks?parent=${id}`}>
          {text().task.allChildren}
        </a>
      </header>
      <TaskTable tasks={found.tasks} />
    </section>
  );
}
