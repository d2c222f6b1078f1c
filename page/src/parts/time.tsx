/** Times that stay true while one looks at them; the exact one is in the title. */
import { now } from '../live/clock.ts';
import { ago, clockTime, dayTime, duration, moment } from '../text/format.ts';

const DAY = 86_400_000;

export function Ago({ at }: { at: string }) {
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={moment(time)}>
      {ago(time, now.value)}
    </time>
  );
}

/** The time of the day, or of another day. */
export function At({ at }: { at: string }) {
  const time = Date.parse(at);
  const today = Math.abs(now.peek() - time) < DAY / 2;
  return (
    <time dateTime={at} title={moment(time)}>
      {today ? clockTime(time) : dayTime(time)}
    </time>
  );
}

export function Since({ at }: { at: string }) {
  return <span title={moment(Date.parse(at))}>{duration(now.value - Date.parse(at))}</span>;
}
