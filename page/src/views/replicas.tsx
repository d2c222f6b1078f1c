/** The replicas at work: what each holds and until when; one can be emptied, and hand-overs be watched. */
import type { ReplicaList, ReplicaView } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { handOvers } from '../live/relay.ts';
import { learnReplicas, replicaName } from '../live/replica-names.ts';
import { useResource } from '../live/resource.ts';
import { ask } from '../parts/dialog.tsx';
import { Empty, Loaded } from '../parts/feedback.tsx';
import { Icon } from '../parts/icon.tsx';
import { LeaseBar, Slots } from '../parts/lease.tsx';
import { Ago, Since } from '../parts/time.tsx';
import { tellDone, tellFailed } from '../parts/toast.tsx';
import { may, session } from '../session.ts';
import { Heading } from '../shell/heading.tsx';
import { duration } from '../text/format.ts';
import { text } from '../text/text.ts';

const EVERY = 5_000;

export function ReplicasView() {
  const words = text();
  const resource = useResource('replicas', loadReplicas, { every: EVERY });
  return (
    <>
      <Heading title={words.nav.replicas} />
      <Loaded resource={resource} lines={6}>
        {({ replicas }) =>
          replicas.length === 0 ? (
            <Empty icon="replicas" title={words.replicas.none}>
              {words.replicas.noneWhy}
            </Empty>
          ) : (
            <>
              <ul class="replica-cards">
                {replicas.map((replica) => (
                  <ReplicaCard replica={replica} refresh={resource.refresh} key={replica.id} />
                ))}
              </ul>
              <HandOvers />
            </>
          )
        }
      </Loaded>
    </>
  );
}

async function loadReplicas(abort: AbortSignal): Promise<ReplicaList> {
  const list = await api.replicas(abort);
  learnReplicas(list.replicas);
  return list;
}

function ReplicaCard({ replica, refresh }: { replica: ReplicaView; refresh: () => void }) {
  const words = text().replicas;
  const { id, draining, running, concurrency, types, blocked } = replica;
  return (
    <li class={draining ? 'card replica draining' : 'card replica'}>
      <header class="card-head">
        <h2 title={id}>{replicaName(id)}</h2>
        {draining ? <span class="tag warn">{words.draining}</span> : null}
        {may('replicas') ? <DrainButton replica={replica} refresh={refresh} /> : null}
      </header>
      <LeaseBar replica={replica} />
      <Slots used={running.length} total={concurrency} />
      {blocked > 0 ? (
        <p class="replica-blocked">
          <Icon name="warning" />
          {words.blocked(duration(blocked))}
        </p>
      ) : null}
      <dl class="facts">
        <div>
          <dt>{words.up}</dt>
          <dd>
            <Since at={replica.startedAt} />
          </dd>
        </div>
        <div>
          <dt>{words.types}</dt>
          <dd class="tags">
            {types.length === 0 ? <span class="faint">{words.noTypes}</span> : null}
            {types.map((type) => (
              <code key={type}>{type}</code>
            ))}
          </dd>
        </div>
      </dl>
      {running.length === 0 ? (
        <p class="faint">{words.idle}</p>
      ) : (
        <ul class="held">
          {running.map((task) => (
            <li key={task.id}>
              <a href={`tasks/${task.id}`}>
                {task.type} <span class="task-id">#{task.id}</span>
              </a>
              <span class="faint">{text().history.epoch(String(task.epoch))}</span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function DrainButton({ replica: { id, draining }, refresh }: { replica: ReplicaView; refresh: () => void }) {
  const words = text().replicas;
  const change = (): void => void (draining ? undrain(id) : drain(id)).then(refresh, tellFailed);
  return (
    <button type="button" class="button" onClick={change}>
      <Icon name={draining ? 'run' : 'drain'} />
      {draining ? words.undrain : words.drain}
    </button>
  );
}

async function drain(id: string): Promise<void> {
  const words = text().replicas;
  const name = replicaName(id);
  const answer = await ask({
    title: words.drainTitle(name),
    detail: words.drainDetail,
    action: words.drain,
    danger: true,
  });
  if (answer === undefined) return;
  await api.drain(id, 'drain');
  tellDone(words.drained(name), () => undrain(id));
}

async function undrain(id: string): Promise<void> {
  await api.drain(id, 'undrain');
  tellDone(text().replicas.undrained(replicaName(id)));
}

function HandOvers() {
  const words = text().replicas;
  const seen = handOvers.value;
  if (session.value?.system.history === false) return null;
  return (
    <section class="card" aria-labelledby="handovers">
      <header class="card-head">
        <h2 id="handovers">{words.handOvers}</h2>
        <p class="card-note">{words.handOversNote}</p>
      </header>
      {seen.length === 0 ? (
        <p class="card-empty">{words.noHandOvers}</p>
      ) : (
        <ol class="rows handovers">
          {seen.map(({ cursor, task, from, to, at, pause }) => (
            <li key={cursor}>
              <a href={`tasks/${task}`}>#{task}</a>
              <span class="handover-way">
                <code>{replicaName(from)}</code>
                <Icon name="move" />
                <code>{replicaName(to)}</code>
              </span>
              <span class="faint">{words.handOverAfter(duration(pause))}</span>
              <span class="faint">
                <Ago at={at} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
