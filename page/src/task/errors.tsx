/** Why a task failed, and the times it failed before. */
import type { TaskView } from '../../../src/dashboard/api.ts';
import { replicaName } from '../live/replica-names.ts';
import { Icon } from '../parts/icon.tsx';
import { At } from '../parts/time.tsx';
import { count } from '../text/format.ts';
import { text } from '../text/text.ts';

export function Errors({ task }: { task: TaskView }) {
  const words = text().errors;
  const { error, errors } = task;
  if (error === null && errors.length === 0) return null;
  return (
    <section class="card errors" aria-labelledby="errors">
      <header class="card-head">
        <h2 id="errors">{words.title}</h2>
      </header>
      {error === null ? null : (
        <div class="error">
          <Icon name="cross" />
          <div>
            <p>
              <b>{error.name}</b> {error.message}
              {error.code === undefined ? null : <code> {error.code}</code>}
            </p>
            {error.stack === undefined || error.stack === '' ? null : (
              <details>
                <summary>{words.stack}</summary>
                <pre tabIndex={0}>{error.stack}</pre>
              </details>
            )}
          </div>
        </div>
      )}
      {errors.length === 0 ? null : (
        <ol class="past-errors">
          {errors.toReversed().map((past, index) => (
            <li key={index}>
              <At at={past.at} />
              <span>
                <b>{past.name}</b> {past.message}
                <span class="faint"> {words.past(count(past.attempt), replicaName(past.replica))}</span>
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
