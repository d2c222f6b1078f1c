/** The moments of a rule: of a cron expression in its time zone, as the package croner has them, or of an interval. */
import { Cron } from 'croner';
import { show, TaskbatonError } from '../core/errors.ts';
import { checkDuration } from '../core/retry.ts';
import type { Rule, ScheduleOptions } from '../core/schedule.ts';

const SECOND = 1000;

/** Throws INVALID_ARGUMENT for whatever is wrong in it. */
export function checkRule(options: ScheduleOptions): Rule {
  const { cron, zone = 'UTC', every, catchUp = 'skip', catchUpLimit = 100, overlap = 'allow' } = options;
  if ((cron === undefined) === (every === undefined)) refuse('cron', cron, 'give either cron or every');
  if (!['skip', 'one', 'all'].includes(catchUp))
    refuse('catchUp', catchUp, `it must be 'skip', 'one' or 'all'`);
  if (!['allow', 'skip'].includes(overlap)) refuse('overlap', overlap, `it must be 'allow' or 'skip'`);
  if (!Number.isInteger(catchUpLimit) || catchUpLimit < 1 || catchUpLimit > 1000)
    refuse('catchUpLimit', catchUpLimit, 'it must be a whole number from 1 to 1000');
  if (cron !== undefined) checkCron(cron, zone);
  const ms = every === undefined ? null : checkDuration('every', every, refuse);
  if (ms !== null && ms < SECOND) refuse('every', every, 'it must be at least a second');
  return { cron: cron ?? null, zone, every: ms, catchUp, catchUpLimit, overlap };
}

/** The first moment of the rule after `after`, in ms since 1970; null if there is none. Intervals count from `anchor`. */
export function nextOccurrence(rule: Rule, after: number, anchor: number): number | null {
  if (rule.every !== null) return anchor + (Math.floor((after - anchor) / rule.every) + 1) * rule.every;
  return (
    new Cron(rule.cron ?? '', { timezone: rule.zone, paused: true }).nextRun(new Date(after))?.getTime() ??
    null
  );
}

/** Late ones up to a minute, or as late as the next one, still count as in time. */
const GRACE = 60 * SECOND;

/** Which moments that have come are to be fired, and which one is to come. */
export function dueOccurrences(
  rule: Rule,
  { next, now, anchor }: { readonly next: number; readonly now: number; readonly anchor: number },
): { readonly due: readonly number[]; readonly next: number | null } {
  const following = nextOccurrence(rule, now, anchor);
  if (rule.catchUp === 'one') return { due: [next], next: following };
  const second = nextOccurrence(rule, next, anchor) ?? Infinity;
  const since = rule.catchUp === 'all' ? -Infinity : now - Math.min(GRACE, second - next);
  const due: number[] = [];
  const first = next >= since ? next : nextOccurrence(rule, since - 1, anchor);
  for (let at = first; at !== null && at <= now; at = nextOccurrence(rule, at, anchor)) {
    if (due.length === rule.catchUpLimit) break;
    due.push(at);
  }
  return { due, next: following };
}

function checkCron(cron: unknown, zone: unknown): void {
  if (typeof cron !== 'string') refuse('cron', cron, 'it must be a string');
  if (typeof zone !== 'string' || !isZone(zone))
    refuse('zone', zone, `it must be a time zone such as 'Europe/Berlin'`);
  try {
    const next = new Cron(cron, { timezone: zone, paused: true }).nextRun(new Date(0));
    if (next === null) refuse('cron', cron, 'it never comes');
  } catch (cause) {
    if (cause instanceof TaskbatonError) throw cause;
    refuse(
      'cron',
      cron,
      `it is no cron expression (${cause instanceof Error ? cause.message : String(cause)})`,
    );
  }
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function refuse(argument: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_ARGUMENT', { argument, value: show(value), problem });
}
