/** Numbers, times and spans of time as people read them, in the language chosen. */
import { language } from '../settings.ts';
import { text } from './text.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Intl's formatters are dear to make. */
function remembered<T>(make: (tag: string) => T): () => T {
  const made = new Map<string, T>();
  return () => {
    const tag = language.value;
    const found = made.get(tag) ?? make(tag);
    made.set(tag, found);
    return found;
  };
}

const numbers = remembered((tag) => new Intl.NumberFormat(tag));
const short = remembered(
  (tag) => new Intl.NumberFormat(tag, { notation: 'compact', maximumFractionDigits: 1 }),
);
const percents = remembered(
  (tag) => new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 0 }),
);
const finePercents = remembered(
  (tag) =>
    new Intl.NumberFormat(tag, { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }),
);
const relative = remembered((tag) => new Intl.RelativeTimeFormat(tag, { numeric: 'always', style: 'long' }));
const clocks = remembered((tag) => new Intl.DateTimeFormat(tag, { timeStyle: 'medium', hourCycle: 'h23' }));
const minutes = remembered(
  (tag) => new Intl.DateTimeFormat(tag, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
);
const dayTimes = remembered(
  (tag) =>
    new Intl.DateTimeFormat(tag, {
      month: 'short',
      day: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    }),
);
const moments = remembered(
  (tag) => new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' }),
);

export const count = (value: number): string => numbers().format(value);

/** 12,345 stays exact; what is longer is rounded. */
export const shortCount = (value: number): string =>
  value < 100_000 ? numbers().format(value) : short().format(value);

/** Never 100 % before the end. */
export const percent = (share: number): string =>
  percents().format(share < 1 ? Math.min(Math.floor(share * 100) / 100, 0.99) : share);

export const finePercent = (share: number): string =>
  finePercents().format(share < 1 ? Math.min(Math.floor(share * 1000) / 1000, 0.999) : share);

export const clockTime = (at: number): string => clocks().format(at);

export const clockMinutes = (at: number): string => minutes().format(at);

export const dayTime = (at: number): string => dayTimes().format(at);

export const moment = (at: number): string => moments().format(at);

/** The two largest units: "2 h 5 min". */
export function duration(milliseconds: number): string {
  const { units } = text();
  if (milliseconds < SECOND) return units.milliseconds(count(Math.max(0, Math.round(milliseconds))));
  if (milliseconds < 10 * SECOND) return units.seconds((Math.floor(milliseconds / 100) / 10).toString());
  const seconds = Math.floor(milliseconds / SECOND);
  const parts: readonly (readonly [number, (value: string) => string])[] = [
    [Math.floor(seconds / 86_400), units.days],
    [Math.floor(seconds / 3600) % 24, units.hours],
    [Math.floor(seconds / 60) % 60, units.minutes],
    [seconds % 60, units.seconds],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first, first + 2)
    .filter(([value], index) => index === 0 || value > 0)
    .map(([value, unit]) => unit(count(value)))
    .join(' ');
}

/** "5 min ago", "in 3 h"; `from` is now. */
export function ago(at: number, from: number): string {
  const distance = at - from;
  const size = Math.abs(distance);
  if (size < SECOND * 5) return text().units.now;
  const format = relative();
  if (size < MINUTE) return format.format(Math.round(distance / SECOND), 'second');
  if (size < HOUR) return format.format(Math.round(distance / MINUTE), 'minute');
  if (size < DAY) return format.format(Math.round(distance / HOUR), 'hour');
  return format.format(Math.round(distance / DAY), 'day');
}

export function bytes(size: number): string {
  if (size < 1024) return `${count(size)} B`;
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} KB`;
  return `${(size / 1024 / 1024).toFixed(1)} MB`;
}
