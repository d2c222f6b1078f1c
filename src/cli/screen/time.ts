/** Lengths of time and numbers as people read them. */

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** The largest unit and the next: `2d 3h`, `4m 10s`, `12s`, `350ms`. */
export function span(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  const first = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[first] ?? UNITS[3];
  const whole = Math.floor(ms / size);
  const next = UNITS[first + 1];
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[1]);
  return `${whole}${unit}${rest === 0 || next === undefined ? '' : ` ${rest}${next[0]}`}`;
}

/** Only the largest unit. */
export function roughly(ms: number): string {
  return span(ms).split(' ')[0] ?? '';
}

/** `2026-11-27 10:02:15`, in the time zone of whoever looks. */
export function moment(time: Date): string {
  const two = (value: number): string => `${value}`.padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

export function clockTime(time: Date): string {
  return moment(time).slice(11);
}

/** `1 task`, `12,345 tasks`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? one : many}`;
}
