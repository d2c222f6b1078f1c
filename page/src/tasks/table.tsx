/** Tasks in rows; on a phone each row is a card. The roles are spelled out, since a table laid out otherwise loses them. */
import { memo } from './memo.ts';
import type { TaskView } from '../../../src/dashboard/api.ts';
import { replicaName } from '../live/replica-names.ts';
import { hasProgress, ProgressBar, ProgressText, TimeLeft } from '../parts/progress.tsx';
import { StateBadge, StateIcon } from '../parts/state.tsx';
import { Ago } from '../parts/time.tsx';
import { text } from '../text/text.ts';

export interface Selection {
  readonly chosen: ReadonlySet<number>;
  readonly toggle: (id: number) => void;
  readonly toggleAll: () => void;
}

export function TaskTable({ tasks, selection }: { tasks: readonly TaskView[]; selection?: Selection }) {
  const words = text().tasks;
  const all = selection !== undefined && tasks.every(({ id }) => selection.chosen.has(id));
  const some = selection !== undefined && !all && tasks.some(({ id }) => selection.chosen.has(id));
  return (
    <table class={selection === undefined ? 'tasks plain' : 'tasks'} role="table">
      <thead role="rowgroup">
        <tr role="row">
          {selection === undefined ? null : (
            <th role="columnheader" class="cell-check">
              <input
                type="checkbox"
                aria-label={words.selectPage}
                checked={all}
                ref={(box) => {
                  if (box !== null) box.indeterminate = some;
                }}
                onChange={selection.toggleAll}
              />
            </th>
          )}
          <th role="columnheader">{words.task}</th>
          <th role="columnheader">{words.state}</th>
          <th role="columnheader">{words.progress}</th>
          <th role="columnheader">{words.owner}</th>
          <th role="columnheader">{words.replica}</th>
          <th role="columnheader" class="cell-age">
            {words.created}
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {tasks.map((task) => (
          <TaskRow
            task={task}
            chosen={selection?.chosen.has(task.id) === true}
            {...(selection === undefined ? {} : { toggle: selection.toggle })}
            key={task.id}
          />
        ))}
      </tbody>
    </table>
  );
}

interface TaskRowProps {
  readonly task: TaskView;
  readonly chosen: boolean;
  readonly toggle?: (id: number) => void;
}

const TaskRow = memo(function TaskRow({ task, chosen, toggle }: TaskRowProps) {
  const words = text().tasks;
  const { id, type, state, user, group, replica, message, error } = task;
  const said = state === 'failed' ? error?.message : message;
  return (
    <tr role="row" class={chosen ? 'chosen' : ''} data-task={id}>
      {toggle === undefined ? null : (
        <td role="cell" class="cell-check">
          <input
            type="checkbox"
            checked={chosen}
            aria-label={words.select(String(id))}
            onChange={() => toggle(id)}
          />
        </td>
      )}
      <td role="cell" class="cell-task">
        <StateIcon state={state} />
        <span class="task-words">
          <a href={`tasks/${id}`}>
            <span class="task-type">{type}</span> <span class="task-id">#{id}</span>
          </a>
          {said === null || said === undefined || said === '' ? null : (
            <span class={state === 'failed' ? 'task-said bad' : 'task-said'}>{said.slice(0, 300)}</span>
          )}
        </span>
      </td>
      <td role="cell" class="cell-state">
        <StateBadge state={state} />
      </td>
      <td role="cell" class="cell-progress">
        {hasProgress(task) && state !== 'finished' ? (
          <>
            <ProgressBar task={task} />
            <span class="progress-words">
              <ProgressText task={task} />
              <TimeLeft task={task} />
            </span>
          </>
        ) : null}
      </td>
      <td role="cell" class="cell-owner">
        <Owner user={user} group={group} />
      </td>
      <td role="cell" class="cell-replica">
        {replica === null ? (
          <span class="faint">–</span>
        ) : (
          <span title={replica}>{replicaName(replica)}</span>
        )}
      </td>
      <td role="cell" class="cell-age">
        <Ago at={task.createdAt} />
      </td>
    </tr>
  );
});

export function Owner({ user, group }: { user: string; group: string }) {
  if (user === '' && group === '') return <span class="faint">–</span>;
  return (
    <span class="owner">
      <span>{user === '' ? text().tasks.nobody : user}</span>
      {group === '' ? null : <span class="faint"> / {group}</span>}
    </span>
  );
}
