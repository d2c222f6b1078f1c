/** The options of `dashboard`: defaults, and checks that show the bad value. */
import type { TaskDeclaration } from '../core/declaration.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import type { Access } from './access.ts';

export interface DashboardOptions {
  /** Who may do what. Without it there is no dashboard. */
  readonly access?: Access | undefined;
  /** Instead of `access`: serve requests from this machine itself, all of them with all permissions. For development. */
  readonly unsafeNoAuth?: boolean | undefined;
  /** Where it is mounted, such as `/admin/tasks`, unless the framework takes that off or `toNodeHandler` learns it from Express. */
  readonly prefix?: string | undefined;
  /** Types that can be created though `baton` doesn't run them. */
  readonly tasks?: readonly TaskDeclaration[] | undefined;
  /** Other origins whose pages may send changes, such as `https://ops.example.com` where a proxy changes the host. */
  readonly origins?: readonly string[] | undefined;
  /** The longest body, in bytes; 1 MiB. */
  readonly maxBody?: number | undefined;
  /** How many streams of events may be open at once; 100. */
  readonly maxStreams?: number | undefined;
}

export interface CheckedOptions {
  /** Undefined for requests from this machine only. */
  readonly access: Access | undefined;
  readonly prefix: string | undefined;
  readonly tasks: ReadonlyMap<string, TaskDeclaration>;
  readonly origins: readonly string[];
  readonly maxBody: number;
  readonly maxStreams: number;
  /** Bytes that the reader of a stream may be behind. */
  readonly maxBuffered: number;
}

const KNOWN: ReadonlySet<string> = new Set([
  'access',
  'unsafeNoAuth',
  'prefix',
  'tasks',
  'origins',
  'maxBody',
  'maxStreams',
]);
const MEBIBYTE = 2 ** 20;

/** Throws INVALID_OPTION. */
export function checkOptions(options: DashboardOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) refuse('access', undefined, NO_ACCESS);
  for (const [option, value] of Object.entries(options))
    if (!KNOWN.has(option)) refuse(option, value, 'there is no such option');
  const { access, unsafeNoAuth = false, prefix, tasks = [], origins = [] } = options;
  const { maxBody = MEBIBYTE, maxStreams = 100 } = options;
  if (access === undefined && unsafeNoAuth !== true) refuse('access', access, NO_ACCESS);
  if (access !== undefined && typeof access !== 'function') refuse('access', access, 'it must be a function');
  if (access !== undefined && unsafeNoAuth) refuse('unsafeNoAuth', unsafeNoAuth, 'it contradicts access');
  if (prefix !== undefined && !/^(\/[^/?#]+)*$/.test(prefix))
    refuse('prefix', prefix, `it must be a path such as '/admin/tasks', without a slash at its end`);
  if (!Array.isArray(tasks)) refuse('tasks', tasks, 'it must be an array of declarations');
  if (!Array.isArray(origins) || !origins.every(isOrigin))
    refuse('origins', origins, `it must be an array of origins such as 'https://ops.example.com'`);
  return {
    access,
    prefix,
    tasks: new Map(tasks.map((task: TaskDeclaration) => [task.type, task])),
    origins,
    maxBody: whole('maxBody', maxBody, 1024, 64 * MEBIBYTE),
    maxStreams: whole('maxStreams', maxStreams, 0, 10_000),
    maxBuffered: 4 * MEBIBYTE,
  };
}

const NO_ACCESS =
  'it must be a function (request) => ({ user, can, scope }) | null that says who may do what; unsafeNoAuth: true does without, for requests from this machine only';

function isOrigin(origin: unknown): boolean {
  return typeof origin === 'string' && URL.canParse(origin) && new URL(origin).origin === origin;
}

function whole(option: string, value: unknown, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  return refuse(option, value, `it must be a whole number from ${least} to ${most}`);
}

function refuse(option: string, value: unknown, problem: string): never {
  throw new TaskbatonError('INVALID_OPTION', { option, value: show(value), problem });
}
