/**
 * Every error a user can meet, in one table: a stable `code`, what happened, and what to do about it. `docs/errors.md`
 * is generated from it, and nothing else in the engine makes an `Error` that reaches a user.
 */

interface ErrorEntry {
  /** What happened; `{name}` is filled in from the details. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

export const ERRORS = {
  INVALID_OPTION: {
    message: 'option {option} is {value}: {problem}',
    remedy: 'Correct the value; defaults and ranges are listed in the guide under "Options".',
  },
  INVALID_ARGUMENT: {
    message: '{argument} is {value}: {problem}',
    remedy: 'Correct the argument; nothing was written.',
  },
  INVALID_ITEM: {
    message: 'item {index} cannot be created: {problem}',
    remedy: 'Correct that item; none of the others was created either.',
  },
  INVALID_DEFINITION: {
    message: 'the definition of task type {type} is not usable: {problem}',
    remedy: 'Make it with defineTask({ type, run }) or implement(contract, { run }).',
  },
  INVALID_INPUT: {
    message: 'the input for task type {type} does not fit its schema: {problem}',
    remedy: 'Correct the input; no task was created.',
  },
  INVALID_CONTEXT: {
    message: 'the context of task type {type} does not fit its schema: {problem}',
    remedy:
      'Let the schema accept what older releases stored, or create the task anew; its last context was kept.',
  },
  UPGRADE_FAILED: {
    message: 'the context of task type {type} could not be brought from version {from} to {to}: {problem}',
    remedy:
      'Correct the upgrade of its definition, deploy it and run the task again; its context was kept as it was.',
  },
  NOT_JSON: {
    message: '{what} is not JSON: {problem}',
    remedy:
      'Use null, booleans, finite numbers, strings, arrays and plain objects only; nothing was written.',
  },
  CODEC_FAILED: {
    message: 'the payload of task {id} of type {type} could not be {act}d: {problem}',
    remedy:
      'See the cause for what the codec threw; check its keys, and that every instance has the same codec.',
  },
  PAYLOAD_TOO_LARGE: {
    message: '{what} takes {size} bytes, and at most {limit} are allowed',
    remedy:
      'Store the bulk elsewhere and keep a reference, or raise the option maxPayload (16 MiB at most); nothing was written.',
  },
  INVALID_REPORT: {
    message: 'a handler of type {type} reported something that is not a report: {problem}',
    remedy: 'Report { context?, progress?, message? }: JSON, a number from 0 to 1, a string.',
  },
  DUPLICATE_TYPE: {
    message: 'task type {type} is registered already',
    remedy: 'Register each type once per instance; give the second one another type.',
  },
  UNKNOWN_TYPE: {
    message: 'this instance does not know task type {type}',
    remedy: 'Pass the definition or its declaration (declareTask) instead of its name, or register it.',
  },
  TASK_NOT_FOUND: {
    message: 'there is no task {id}',
    remedy:
      'It was never created here, or has been deleted; check the id, the database and the table prefix.',
  },
  REPLICA_NOT_FOUND: {
    message: 'there is no live replica {id}',
    remedy:
      'See replicas() for those that there are; a replica has another id after each start, and after each lease it lost.',
  },
  SCHEDULE_NOT_FOUND: {
    message: 'there is no schedule {name}',
    remedy: 'Set it first; list() shows those that there are.',
  },
  KEY_TAKEN: {
    message: 'the key {key} is that of task {id}, which is no child of task {parent}',
    remedy:
      'Make the parent a part of the keys of its children, or create it without a key; nothing was written.',
  },
  TYPE_MISMATCH: {
    message: 'task {id} is of type {actual}, not {expected}',
    remedy: 'Read it with the definition it was created with, or without one.',
  },
  STATE_CONFLICT: {
    message: 'task {id} is {status}, so it cannot take the event "{event}"',
    remedy:
      'See docs/states.md for what each state accepts. A finished task is not run again: create a new one.',
  },
  TASK_FAILED: {
    message: 'task {id} has failed: {reason}',
    remedy: 'The cause is what its handler threw; runTask runs it again from its last checkpoint.',
  },
  CHILD_FAILED: {
    message: 'child {child} of task {id} has failed: {reason}',
    remedy:
      'Run the child again, then the task; or say with onFailure what becomes of a task whose child has failed.',
  },
  NOT_DONE: {
    message: 'task {id} had not finished after {timeout} ms',
    remedy: 'It goes on all the same; wait longer, or look at its state and progress.',
  },
  NOT_SETTLED: {
    message: '{count} tasks had not stopped after {timeout} ms',
    remedy:
      'They were asked to, and stop at their next yield; wait longer, or see which handlers ignore their signal.',
  },
  LEASE_LOST: {
    message: 'this replica no longer owns task {id} in epoch {epoch}; what it wrote was refused',
    remedy:
      'Nothing to do: the handler should end, the task goes on elsewhere. If it happens often, something blocks the event loop or the database for longer than the lease.',
  },
  REPORT_AFTER_END: {
    message: 'task {id} was reported on after its handler had ended',
    remedy: 'Await every report before the handler returns, and stop timers in a finally block.',
  },
  INSIDE_TRANSACTION: {
    message: '{call} was called inside a transaction of task {id}, for whose end it would have to wait',
    remedy:
      'Let the work of the transaction return the report, and create children in it with createTask(…, { parent: task.id, tx }); or call it once the transaction is over.',
  },
  HANDLER_ABANDONED: {
    message: 'the handler of task {id} did not end within {grace} ms of its stop signal',
    remedy:
      'Yield more often, or pass the signal to whatever the handler awaits; the task was released without it.',
  },
  TIMED_OUT: {
    message: 'task {id} was stopped: it had worked for {limit} ms, which is its {which} time limit',
    remedy:
      'Give it more time with the option timeout, or let it do less in one attempt; its last checkpoint was kept.',
  },
  CRASHED: {
    message: 'the replica that ran the task ended without handing it over',
    remedy: "Run it again (it goes on from its last checkpoint), or define the type with onCrash: 'resume'.",
  },
  NOT_RUNNING: {
    message: 'this instance has been stopped',
    remedy: 'Create a new Taskbaton; a stopped one is not started again.',
  },
  HISTORY_OFF: {
    message: 'this instance keeps no history',
    remedy: "Give it the option history: 'changes' or 'all', as all other instances of the system.",
  },
  CURSOR_EXPIRED: {
    message: 'what came behind the cursor {cursor} may be gone: the history is not kept for so long',
    remedy:
      "Read the present state of the tasks and follow events from now on, or from since: 'start'; or keep the history for longer.",
  },
  QUEUE_MISBEHAVED: {
    message: 'the pick of the queue "{queue}" is not usable: {problem}',
    remedy:
      'Let pick return ids of waiting tasks of the types it was asked for, each once, and no more than the limit; queueContract of taskbaton/testing shows how. Nothing was changed.',
  },
  UNKNOWN_DATABASE: {
    message: 'the option db is not a database this library knows: {value}',
    remedy:
      'Pass a URL (sqlite:file.db, postgres://…, mysql://…), a pg Pool, a postgres.js client, a mysql2 pool, or a node:sqlite or better-sqlite3 database.',
  },
  DRIVER_MISSING: {
    message: 'the package {driver} is not installed',
    remedy: 'Run: npm install {driver}',
  },
  DATABASE_UNAVAILABLE: {
    message: 'the database does not answer: {problem}',
    remedy:
      'Check that it runs and that address, user and password are right. Whether the last statement took effect is unknown.',
  },
  DATABASE_BUSY: {
    message: 'the database stayed busy: {problem}',
    remedy:
      'Nothing was written; try again. If it happens often, look for long transactions of other programs.',
  },
  DATABASE_FAILED: {
    message: 'the database refused a statement: {problem}',
    remedy: "See the cause for the driver's own error; nothing was written.",
  },
  SCHEMA_OUTDATED: {
    message: 'the tables are at version {actual}, and this release needs {expected}',
    remedy: 'Run migrate() once with a user who may create tables, or start with migrate: true.',
  },
  SCHEMA_TOO_NEW: {
    message: 'the tables are at version {actual}, and this release knows versions up to {expected}',
    remedy: 'Deploy the newer release of taskbaton here too.',
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** What fills the `{…}` of a message; kept on the error for programs to read. */
export type ErrorDetails = Readonly<Record<string, string | number | null>>;

/** An error of this library: tell them apart by `code`, which stays the same over releases. */
export class TaskbatonError extends Error {
  override readonly name: string = 'TaskbatonError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(messageOf(code, details), options);
    this.code = code;
    this.details = details;
  }

  /** What to do about it, in a sentence or two. */
  get remedy(): string {
    return fill(ERRORS[this.code].remedy, this.details);
  }
}

function messageOf(code: ErrorCode, details: ErrorDetails): string {
  const { message, remedy }: ErrorEntry = ERRORS[code];
  return `${fill(message, details)}. ${fill(remedy, details)}`;
}

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (hole, name: string) =>
    Object.hasOwn(details, name) ? String(details[name]) : hole,
  );
}

/** Whether `error` is one of ours, with one of `codes` if any are given. */
export function isTaskbatonError(error: unknown, ...codes: readonly ErrorCode[]): error is TaskbatonError {
  return error instanceof TaskbatonError && (codes.length === 0 || codes.includes(error.code));
}

/** A value as a message shows it: short, on one line, and never throwing, whatever it is. */
export function show(value: unknown): string {
  let text: string;
  try {
    if (typeof value === 'string') text = JSON.stringify(value);
    else if (typeof value === 'bigint') text = `${value}n`;
    else if (typeof value === 'function') text = `function ${value.name}`;
    else if (typeof value === 'object' && value !== null)
      text = JSON.stringify(value) ?? Object.prototype.toString.call(value);
    else text = String(value);
  } catch {
    text = tagOf(value);
  }
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function tagOf(value: unknown): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    return 'something that cannot be looked at';
  }
}

/** The message of whatever was thrown; it never throws itself. */
export function messageFrom(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : show(thrown);
  } catch {
    return show(thrown);
  }
}
