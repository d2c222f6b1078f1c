/** The list of tasks: narrowed by filters, walked in pages, changed one by one, some, or all that match. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Action, TaskList, TaskView } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { askForReplicas } from '../live/replica-names.ts';
import { type Load, useResource } from '../live/resource.ts';
import { Empty, Loaded } from '../parts/feedback.tsx';
import { Icon } from '../parts/icon.tsx';
import { navigate, place, withQuery } from '../route.ts';
import { may } from '../session.ts';
import { Heading } from '../shell/heading.tsx';
import { useKeys } from '../shell/keyboard.tsx';
import { ACTIONS, changeMatching, changeTasks } from '../tasks/change.ts';
import { CreateButton } from '../tasks/create-form.tsx';
import { type Filter, bulkFilter, isFiltered, listQuery, readFilter, writeFilter } from '../tasks/filter.ts';
import { FilterBar } from '../tasks/filter-bar.tsx';
import { TaskTable } from '../tasks/table.tsx';
import { count } from '../text/format.ts';
import { text } from '../text/text.ts';

const PAGE = 50;
const PACE = 1_500;
const EVERY = 15_000;

/** Cursors that were walked to, each with the one before it. */
const trail = new Map<string, string | null>();

type Chosen = ReadonlySet<number> | 'matching';

const KEYS: Readonly<Record<string, Action>> = { r: 'run', p: 'pause', m: 'move', d: 'delete' };

export function TasksView() {
  const filter = readFilter(place.value.query);
  const query = listQuery(filter, PAGE).toString();
  const chosen = useSignal<Chosen>(new Set());
  const last = useRef(query);
  if (last.current !== query) {
    last.current = query;
    chosen.value = new Set();
  }
  const load: Load<TaskList> = (abort, fresh) => api.tasks(new URLSearchParams(query), abort, fresh);
  const resource = useResource(query, load, {
    pace: PACE,
    every: EVERY,
    withTask: replaceTask,
  });
  useEffect(askForReplicas, []);
  const choose = (next: Filter): void => navigate(withQuery('tasks', writeFilter(next)));
  return (
    <>
      <Heading title={text().nav.tasks}>
        <CreateButton />
      </Heading>
      <FilterBar filter={filter} choose={choose} />
      <Loaded resource={resource} lines={10}>
        {(list) =>
          list.tasks.length === 0 ? (
            <NoTasks filter={filter} />
          ) : (
            <Listed list={list} filter={filter} chosen={chosen} refresh={resource.refresh} />
          )
        }
      </Loaded>
    </>
  );
}

/** One that isn't in the list may belong there. */
function replaceTask(list: TaskList, task: TaskView): TaskList | undefined {
  if (!list.tasks.some(({ id }) => id === task.id)) return undefined;
  return { ...list, tasks: list.tasks.map((other) => (other.id === task.id ? task : other)) };
}

function NoTasks({ filter }: { filter: Filter }) {
  const words = text().tasks;
  return isFiltered(filter) ? (
    <Empty icon="search" title={words.noMatch}>
      {words.noMatchWhy}
    </Empty>
  ) : (
    <Empty icon="tasks" title={words.none}>
      <p>{words.noneWhy}</p>
      <code>npx taskbaton create …</code>
    </Empty>
  );
}

interface ListedProps {
  readonly list: TaskList;
  readonly filter: Filter;
  readonly chosen: { value: Chosen };
  readonly refresh: () => void;
}

function Listed({ list, filter, chosen, refresh }: ListedProps) {
  const { tasks } = list;
  const ids = chosen.value === 'matching' ? new Set(tasks.map(({ id }) => id)) : chosen.value;
  const choose = (next: Chosen): void => {
    chosen.value = next;
  };
  const toggle = (id: number): void => {
    const next = new Set(ids);
    if (!next.delete(id)) next.add(id);
    choose(next);
  };
  const toggleAll = (): void =>
    choose(tasks.every(({ id }) => ids.has(id)) ? new Set() : new Set(tasks.map(({ id }) => id)));
  const change = (action: Action, meant: readonly TaskView[]): void => {
    const matching = chosen.value === 'matching' ? bulkFilter(filter) : undefined;
    const work = matching === undefined ? changeTasks(action, meant) : changeMatching(action, matching);
    void work.then((done) => {
      if (!done) return;
      choose(new Set());
      refresh();
    });
  };
  useRowKeys(tasks, ids, toggle, change);
  return (
    <>
      <div class="card flush">
        <TaskTable tasks={tasks} selection={{ chosen: ids, toggle, toggleAll }} />
      </div>
      <Pages filter={filter} next={list.next} />
      {ids.size === 0 ? null : (
        <SelectionBar
          tasks={tasks.filter(({ id }) => ids.has(id))}
          matching={chosen.value === 'matching'}
          more={
            list.next === null || ids.size < tasks.length ? 'none' : filter.search === '' ? 'all' : 'found'
          }
          choose={choose}
          change={change}
        />
      )}
    </>
  );
}

/** j and k walk the rows, x selects; letters of actions mean the selection, or else the row. */
function useRowKeys(
  tasks: readonly TaskView[],
  ids: ReadonlySet<number>,
  toggle: (id: number) => void,
  change: (action: Action, tasks: readonly TaskView[]) => void,
): void {
  useKeys((key) => {
    const row = document.activeElement?.closest<HTMLElement>('tr[data-task]') ?? null;
    const index = tasks.findIndex(({ id }) => String(id) === row?.dataset['task']);
    const current = tasks[index];
    const action = KEYS[key];
    if (key === 'j' || key === 'k') {
      const next = tasks[key === 'j' ? index + 1 : Math.max(0, index - 1)];
      document.querySelector<HTMLElement>(`tr[data-task="${next?.id ?? ''}"] a`)?.focus();
      return true;
    }
    if (key === 'x' && current !== undefined) toggle(current.id);
    else if (action === undefined) return false;
    else if (ids.size > 0)
      change(
        action,
        tasks.filter(({ id }) => ids.has(id)),
      );
    else if (current !== undefined) change(action, [current]);
    return true;
  });
}

interface SelectionBarProps {
  readonly tasks: readonly TaskView[];
  readonly matching: boolean;
  /** Whether more match than are on this page: all of those can be meant, unless they were found by a search. */
  readonly more: 'none' | 'all' | 'found';
  readonly choose: (chosen: Chosen) => void;
  readonly change: (action: Action, tasks: readonly TaskView[]) => void;
}

function SelectionBar({ tasks, matching, more, choose, change }: SelectionBarProps) {
  const words = text();
  return (
    <div class="selection" role="region" aria-label={words.tasks.selection}>
      <p>
        {matching ? words.tasks.allSelected : words.tasks.selected(count(tasks.length))}
        {more === 'found' ? <span class="faint">{words.tasks.onlyThisPage}</span> : null}
        {more === 'all' && !matching ? (
          <button type="button" class="link" onClick={() => choose('matching')}>
            {words.tasks.selectMatching}
          </button>
        ) : null}
      </p>
      <div class="selection-actions">
        {ACTIONS.map((action) => {
          const able = tasks.filter(({ actions }) => actions.includes(action)).length;
          const possible = matching ? may(action) : able > 0;
          return (
            <button
              type="button"
              class={action === 'delete' ? 'button danger-quiet' : 'button'}
              disabled={!possible}
              onClick={() => change(action, tasks)}
              key={action}
            >
              <Icon name={action} />
              {words.actions[action]}
            </button>
          );
        })}
        <button
          type="button"
          class="button quiet square"
          aria-label={words.tasks.clearSelection}
          onClick={() => choose(new Set())}
        >
          <Icon name="cross" />
        </button>
      </div>
    </div>
  );
}

function Pages({ filter, next }: { filter: Filter; next: number | null }) {
  const words = text().tasks;
  if (filter.after === null && next === null) return null;
  const to = (after: string | null): string => withQuery('tasks', writeFilter({ ...filter, after }));
  const newer = filter.after === null ? undefined : (trail.get(filter.after) ?? null);
  return (
    <nav class="pages" aria-label={words.pages}>
      {newer === undefined ? null : (
        <a class="button" href={to(newer)}>
          <Icon name="newer" />
          {words.newer}
        </a>
      )}
      {next === null ? null : (
        <a class="button" href={to(String(next))} onClick={() => trail.set(String(next), filter.after)}>
          {words.older}
          <Icon name="older" />
        </a>
      )}
    </nav>
  );
}
