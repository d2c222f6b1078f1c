/**
 * What the program says by its exit code, as one table: scripts go by it, `help` and the guide print it, and errors are
 * sorted into it by their codes.
 */
import { type ErrorCode, TaskbatonError } from '../core/errors.ts';

interface ExitEntry {
  readonly code: number;
  readonly about: string;
  /** The errors that end so. Those that are named nowhere are failures. */
  readonly errors: readonly ErrorCode[];
}

export type Exit =
  | 'ok'
  | 'failure'
  | 'usage'
  | 'missing'
  | 'conflict'
  | 'database'
  | 'schema'
  | 'interrupted';

export const EXITS: Readonly<Record<Exit, ExitEntry>> = {
  ok: { code: 0, about: 'It is done, or nothing had to be done.', errors: [] },
  failure: {
    code: 1,
    about: 'It failed, or `doctor` found an error, or the watched task has failed.',
    errors: [],
  },
  usage: {
    code: 2,
    about:
      'The command line or the configuration is wrong, or a change of many tasks was not confirmed. Nothing was done.',
    errors: [
      'INVALID_OPTION',
      'INVALID_ARGUMENT',
      'INVALID_DEFINITION',
      'INVALID_INPUT',
      'INVALID_CONTEXT',
      'NOT_JSON',
      'PAYLOAD_TOO_LARGE',
      'UNKNOWN_DATABASE',
      'UNKNOWN_TYPE',
      'HISTORY_OFF',
    ],
  },
  missing: {
    code: 3,
    about: 'There is no such task, schedule, replica or entry of the history.',
    errors: ['TASK_NOT_FOUND', 'SCHEDULE_NOT_FOUND', 'REPLICA_NOT_FOUND', 'CURSOR_EXPIRED'],
  },
  conflict: {
    code: 4,
    about: 'The task is in a state in which that makes no sense, or its key is taken.',
    errors: ['STATE_CONFLICT', 'KEY_TAKEN', 'TYPE_MISMATCH'],
  },
  database: {
    code: 5,
    about:
      'The database does not answer, stayed busy or refused a statement, or its driver is not installed.',
    errors: ['DATABASE_UNAVAILABLE', 'DATABASE_BUSY', 'DATABASE_FAILED', 'DRIVER_MISSING'],
  },
  schema: {
    code: 6,
    about: 'The tables are missing, too old or too new: see `taskbaton migrate`.',
    errors: ['SCHEMA_OUTDATED', 'SCHEMA_TOO_NEW'],
  },
  interrupted: {
    code: 130,
    about: 'It was ended by Ctrl-C or a signal before it was done, or its question was not answered by yes.',
    errors: [],
  },
};

export const EXIT_ENTRIES: readonly (readonly [Exit, ExitEntry])[] = Object.entries(EXITS) as [
  Exit,
  ExitEntry,
][];

/** An error of the command line itself. */
export class CommandError extends Error {
  readonly exit: Exit;
  /** What to do about it. */
  readonly remedy: string;

  constructor(exit: Exit, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.exit = exit;
    this.remedy = remedy;
  }
}

export function exitOf(error: unknown): Exit {
  if (error instanceof CommandError) return error.exit;
  if (!(error instanceof TaskbatonError)) return 'failure';
  const found = EXIT_ENTRIES.find(([, { errors }]) => errors.includes(error.code));
  return found?.[0] ?? 'failure';
}
