/** What is created again and again: when it is next, what came of it last; paused, triggered or removed here. */
import type { ScheduleView } from '../../../src/dashboard/api.ts';
import { api, type ScheduleAction } from '../api/client.ts';
import { now } from '../live/clock.ts';
import { useResource } from '../live/resource.ts';
import { ask } from '../parts/dialog.tsx';
import { Empty, Loaded } from '../parts/feedback.tsx';
import { Icon, type IconName } from '../parts/icon.tsx';
import { Ago } from '../parts/time.tsx';
import { tellDone, tellFailed } from '../parts/toast.tsx';
import { may } from '../session.ts';
import { Heading } from '../shell/heading.tsx';
import { Owner } from '../tasks/table.tsx';
import { duration } from '../text/format.ts';
import { text } from '../text/text.ts';

const EVERY = 15_000;

export function SchedulesView() {
  const words = text();
  const resource = useResource('schedules', (abort) => api.schedules(abort), { every: EVERY });
  return (
    <>
      <Heading title={words.nav.schedules} />
      <Loaded resource={resource} lines={5}>
        {({ schedules }) =>
          schedules.length === 0 ? (
            <Empty icon="schedules" title={words.schedules.none}>
              {words.schedules.noneWhy}
            </Empty>
          ) : (
            <ul class="card rows schedules">
              {schedules.map((schedule) => (
                <Schedule schedule={schedule} refresh={resource.refresh} key={schedule.name} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}

/** Intervals come as milliseconds. */
function ruleWords(rule: string): string {
  const interval = /^every (\d+) ms$/.exec(rule)?.[1];
  return interval === undefined ? rule : text().schedules.every(duration(Number(interval)));
}

function Schedule({ schedule, refresh }: { schedule: ScheduleView; refresh: () => void }) {
  const words = text().schedules;
  const { name, type, rule, zone, user, group, paused, nextAt, lastAt, lastTask } = schedule;
  return (
    <li class={paused ? 'schedule paused' : 'schedule'}>
      <div class="schedule-name">
        <h2>{name}</h2>
        <p class="faint">
          {type} · <Owner user={user} group={group} />
        </p>
      </div>
      <div class="schedule-rule">
        <code>{ruleWords(rule)}</code>
        {zone === null ? null : <span class="faint">{zone}</span>}
      </div>
      <div class="schedule-times">
        <p>
          {paused ? (
            <span class="tag warn">{words.pausedTag}</span>
          ) : nextAt === null ? (
            words.never
          ) : (
            <>
              {isOverdue(nextAt) ? <span class="tag warn">{words.overdue}</span> : words.next}{' '}
              <Ago at={nextAt} />
            </>
          )}
        </p>
        <p class="faint">
          {lastAt === null ? (
            words.neverRan
          ) : (
            <>
              {words.last} <Ago at={lastAt} />{' '}
              {lastTask === null ? null : <a href={`tasks/${lastTask}`}>#{lastTask}</a>}
            </>
          )}
        </p>
      </div>
      {may('schedules') ? <ScheduleActions schedule={schedule} refresh={refresh} /> : null}
    </li>
  );
}

/** In ms: by then whoever fires schedules has come by, if there is anybody. */
const GRACE = 60_000;

function isOverdue(nextAt: string): boolean {
  return now.value - Date.parse(nextAt) > GRACE;
}

const ICONS: Readonly<Record<ScheduleAction, IconName>> = {
  trigger: 'run',
  pause: 'pause',
  resume: 'older',
  delete: 'delete',
};

function ScheduleActions({ schedule, refresh }: { schedule: ScheduleView; refresh: () => void }) {
  const words = text().schedules;
  const { name, paused } = schedule;
  const actions: readonly ScheduleAction[] = ['trigger', paused ? 'resume' : 'pause', 'delete'];
  return (
    <div class="schedule-actions">
      {actions.map((action) => (
        <button
          type="button"
          class={action === 'delete' ? 'button danger-quiet' : 'button'}
          aria-label={words.actionOn(words.actions[action], name)}
          onClick={() => void change(name, action).then(refresh)}
          key={action}
        >
          <Icon name={ICONS[action]} />
          <span>{words.actions[action]}</span>
        </button>
      ))}
    </div>
  );
}

/** What a pause is taken back by. */
const BACK: Readonly<Partial<Record<ScheduleAction, ScheduleAction>>> = { pause: 'resume', resume: 'pause' };

async function change(name: string, action: ScheduleAction): Promise<void> {
  const words = text().schedules;
  try {
    if (action === 'delete') {
      const answer = await ask({
        title: words.deleteTitle(name),
        detail: words.deleteDetail,
        action: words.actions.delete,
        danger: true,
      });
      if (answer === undefined) return;
    }
    await api.schedule(name, action);
    const back = BACK[action];
    const undo = back === undefined ? undefined : () => api.schedule(name, back).then(() => undefined);
    tellDone(words.done[action](name), undo);
  } catch (error) {
    tellFailed(error);
  }
}
