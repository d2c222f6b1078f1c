/** Users by groups: what runs and what waits for each pair, and the limits and pauses of whole rows and columns. */
import type { Queues, ScopeView } from '../../../src/dashboard/api.ts';
import { count, percent } from '../text/format.ts';
import { text } from '../text/text.ts';
import { LimitField } from './limit-field.tsx';
import { changeLimit, PauseButton, toggleScope } from './scope.tsx';

type Cell = Queues['matrix'][number];

interface MatrixProps {
  readonly queues: Queues;
  readonly refresh: () => void;
}

export function Matrix({ queues, refresh }: MatrixProps) {
  const words = text().queues;
  const { users, groups, matrix } = queues;
  const cells = new Map(matrix.map((cell) => [keyOf(cell.user, cell.group), cell]));
  const running = matrix.reduce((sum, cell) => sum + cell.running, 0);
  const busiest = Math.max(1, ...matrix.map((cell) => cell.running + cell.waiting));
  return (
    <section class="card flush" aria-labelledby="matrix">
      <header class="card-head">
        <h2 id="matrix">{words.title}</h2>
        <p class="matrix-legend">
          <span class="swatch swatch-running" /> {words.running}
          <span class="swatch swatch-waiting" /> {words.waiting}
        </p>
      </header>
      <div class="matrix-scroll" role="group" tabIndex={0} aria-labelledby="matrix">
        <table class="matrix">
          <thead>
            <tr>
              <td />
              {groups.map((group) => (
                <th scope="col" class={group.paused ? 'paused' : ''} key={group.name}>
                  <ScopeHead kind="group" scope={group} refresh={refresh} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {users.map((user) => (
              <tr key={user.name}>
                <th scope="row" class={user.paused ? 'paused' : ''}>
                  <ScopeHead kind="user" scope={user} refresh={refresh} total={running} />
                </th>
                {groups.map((group) => (
                  <MatrixCell
                    cell={cells.get(keyOf(user.name, group.name))}
                    user={user}
                    group={group}
                    busiest={busiest}
                    refresh={refresh}
                    key={group.name}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function keyOf(user: string, group: string): string {
  return JSON.stringify([user, group]);
}

interface ScopeHeadProps {
  readonly kind: 'user' | 'group';
  readonly scope: ScopeView;
  readonly refresh: () => void;
  /** What runs in all; its share is told of users. */
  readonly total?: number;
}

function ScopeHead({ kind, scope, refresh, total }: ScopeHeadProps) {
  const words = text().queues;
  const name = scope.name === '' ? words.nameless : scope.name;
  const running = scope.states.running ?? 0;
  return (
    <div class="scope">
      <span class="scope-name">
        <a href={`tasks?${new URLSearchParams({ [kind]: scope.name }).toString()}`}>{name}</a>
        <PauseButton scope={scope} label={name} toggle={() => void toggleScope(kind, scope).then(refresh)} />
      </span>
      <span class="scope-side">
        {scope.paused ? <span class="tag warn">{words.pausedTag}</span> : null}
        {total === undefined || total === 0 ? null : (
          <span class="faint" title={words.share}>
            {percent(running / total)}
          </span>
        )}
        <LimitField
          limit={scope.limit}
          label={words.limitOf(name)}
          change={(limit) => changeLimit(kind, scope.name, limit).then(refresh)}
        />
      </span>
    </div>
  );
}

interface MatrixCellProps {
  readonly cell: Cell | undefined;
  readonly user: ScopeView;
  readonly group: ScopeView;
  readonly busiest: number;
  readonly refresh: () => void;
}

function MatrixCell({ cell, user, group, busiest, refresh }: MatrixCellProps) {
  const words = text().queues;
  const paused = user.paused || group.paused;
  if (cell === undefined) return <td class={paused ? 'cell paused empty-cell' : 'cell empty-cell'}>·</td>;
  const { running, waiting, limit } = cell;
  const query = new URLSearchParams({ user: user.name, group: group.name });
  return (
    <td class={paused ? 'cell paused' : 'cell'}>
      <a class="cell-counts" href={`tasks?${query.toString()}`}>
        <b>{count(running)}</b>
        <span class="visually-hidden">{words.running},</span>
        <span class="faint">{count(waiting)}</span>
        <span class="visually-hidden">{words.waiting}</span>
      </a>
      <span class="cell-bar" aria-hidden="true">
        <span class="cell-running" style={{ width: `${(running / busiest) * 100}%` }} />
        <span class="cell-waiting" style={{ width: `${(waiting / busiest) * 100}%` }} />
      </span>
      <LimitField
        limit={limit}
        label={words.limitOfBoth(user.name || words.nameless, group.name || words.nameless)}
        change={(next) => changeLimit('user/group', [user.name, group.name], next).then(refresh)}
      />
    </td>
  );
}
