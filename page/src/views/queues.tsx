/** Who waits and who runs, by user and group, with what limits them: changed where it stands. */
import type { Queues, ScopeView } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { useResource } from '../live/resource.ts';
import { Empty, Loaded } from '../parts/feedback.tsx';
import { LimitField } from '../queues/limit-field.tsx';
import { Matrix } from '../queues/matrix.tsx';
import { changeLimit, PauseButton, toggleScope } from '../queues/scope.tsx';
import { Heading } from '../shell/heading.tsx';
import { learnNames } from '../tasks/names.ts';
import { count, duration } from '../text/format.ts';
import { text } from '../text/text.ts';

const PACE = 2_000;
const EVERY = 10_000;

export function QueuesView() {
  const words = text();
  const resource = useResource('queues', loadQueues, { pace: PACE, every: EVERY });
  return (
    <>
      <Heading title={words.nav.queues} />
      <Loaded resource={resource} lines={10}>
        {(queues) =>
          queues.users.length + queues.types.length === 0 ? (
            <Empty icon="queues" title={words.queues.none} />
          ) : (
            <>
              <Matrix queues={queues} refresh={resource.refresh} />
              <Types types={queues.types} refresh={resource.refresh} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

async function loadQueues(abort: AbortSignal): Promise<Queues> {
  const queues = await api.queues(abort);
  learnNames(queues);
  return queues;
}

function Types({ types, refresh }: { types: readonly ScopeView[]; refresh: () => void }) {
  const words = text().queues;
  if (types.length === 0) return null;
  return (
    <section class="card" aria-labelledby="types">
      <header class="card-head">
        <h2 id="types">{words.types}</h2>
      </header>
      <ul class="rows">
        {types.map((type) => (
          <TypeRow type={type} refresh={refresh} key={type.name} />
        ))}
      </ul>
    </section>
  );
}

function TypeRow({ type, refresh }: { type: ScopeView; refresh: () => void }) {
  const words = text();
  const { name, states, limit, paused, oldestWaiting } = type;
  return (
    <li class={paused ? 'type-row paused' : 'type-row'}>
      <a href={`tasks?${new URLSearchParams({ type: name }).toString()}`}>{name}</a>
      <span class="type-counts">
        <b>{count(states.running ?? 0)}</b> {words.queues.running} · {count(states.pending ?? 0)}{' '}
        {words.queues.waiting}
        {oldestWaiting === null ? null : (
          <span class="faint unbroken"> · {words.queues.oldest(duration(oldestWaiting))}</span>
        )}
      </span>
      <LimitField
        limit={limit}
        label={words.queues.limitOf(name)}
        change={(next) => changeLimit('type', name, next).then(refresh)}
      />
      <PauseButton scope={type} label={name} toggle={() => void toggleScope('type', type).then(refresh)} />
    </li>
  );
}
