/** The system at a glance: what is wrong first, then what there is, how fast it goes, and who does it. */
import type { Overview, ReplicaView } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { learnTime } from '../live/clock.ts';
import { learnReplicas, replicaName } from '../live/replica-names.ts';
import { useResource } from '../live/resource.ts';
import { Loaded } from '../parts/feedback.tsx';
import { LeaseBar, Slots } from '../parts/lease.tsx';
import { Problems } from '../parts/problems.tsx';
import { StateIcon, STATES } from '../parts/state.tsx';
import { ThroughputChart, WaitingChart } from '../parts/charts.tsx';
import { Heading } from '../shell/heading.tsx';
import { duration, shortCount } from '../text/format.ts';
import { text } from '../text/text.ts';

const PACE = 2_000;
const EVERY = 10_000;

export function OverviewView() {
  const words = text();
  const resource = useResource('overview', loadOverview, { pace: PACE, every: EVERY });
  return (
    <>
      <Heading title={words.nav.overview} />
      <Loaded resource={resource} lines={12}>
        {(overview) => (
          <>
            <Problems problems={overview.problems} />
            <States overview={overview} />
            <div class="pair">
              <ThroughputChart overview={overview} />
              <WaitingChart overview={overview} />
            </div>
            <Replicas replicas={overview.replicas} />
          </>
        )}
      </Loaded>
    </>
  );
}

async function loadOverview(abort: AbortSignal): Promise<Overview> {
  const overview = await api.overview(abort);
  learnTime(Date.parse(overview.at));
  learnReplicas(overview.replicas);
  return overview;
}

/** One bar for all tasks there are, and a figure for each state; each leads to its tasks. */
function States({ overview }: { overview: Overview }) {
  const words = text();
  const shown = STATES.map((state) => ({ state, tasks: overview.states[state] ?? 0 })).filter(
    ({ state, tasks }) => tasks > 0 || ALWAYS_SHOWN.has(state),
  );
  return (
    <section class="card" aria-labelledby="states">
      <header class="card-head">
        <h2 id="states">{words.overview.states}</h2>
        <p class="card-note">
          {overview.oldestWaiting === null
            ? words.overview.nobodyWaits
            : words.overview.oldestWaiting(duration(overview.oldestWaiting))}
        </p>
      </header>
      <div class="share" aria-hidden="true">
        {shown
          .filter(({ tasks }) => tasks > 0)
          .map(({ state, tasks }) => (
            <span
              class={`share-part state-${state}`}
              // The root makes small shares visible beside large ones.
              style={{ flexGrow: Math.sqrt(tasks) }}
              key={state}
            />
          ))}
      </div>
      <ul class="figures">
        {shown.map(({ state, tasks }) => (
          <li key={state}>
            <a class={tasks === 0 ? 'figure none' : 'figure'} href={`tasks?state=${state}`}>
              <span class="figure-number">{shortCount(tasks)}</span>
              <span class="figure-name">
                <StateIcon state={state} />
                {words.states[state]}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

const ALWAYS_SHOWN: ReadonlySet<string> = new Set(['running', 'pending', 'paused', 'failed', 'finished']);

function Replicas({ replicas }: { replicas: readonly ReplicaView[] }) {
  const words = text();
  return (
    <section class="card" aria-labelledby="replicas">
      <header class="card-head">
        <h2 id="replicas">{words.nav.replicas}</h2>
        <a class="card-note" href="replicas">
          {words.overview.allReplicas}
        </a>
      </header>
      {replicas.length === 0 ? (
        <p class="card-empty">{words.replicas.none}</p>
      ) : (
        <ul class="rows">
          {replicas.map((replica) => (
            <ReplicaRow replica={replica} key={replica.id} />
          ))}
        </ul>
      )}
    </section>
  );
}

function ReplicaRow({ replica }: { replica: ReplicaView }) {
  const words = text().replicas;
  return (
    <li class="replica-row">
      <span class="replica-name" title={replica.id}>
        {replicaName(replica.id)}
        {replica.draining ? <span class="tag warn">{words.draining}</span> : null}
      </span>
      <Slots used={replica.running.length} total={replica.concurrency} />
      <span class="chips">
        {replica.running.slice(0, 6).map(({ id, type }) => (
          <a class="chip" href={`tasks/${id}`} title={type} key={id}>
            {id}
          </a>
        ))}
        {replica.running.length > 6 ? <span class="faint">+{replica.running.length - 6}</span> : null}
      </span>
      <LeaseBar replica={replica} />
    </li>
  );
}
