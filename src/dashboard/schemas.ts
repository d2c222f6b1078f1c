/** The values of the API as schemas: what `api.ts` says in types. Tests hold every answer to them. */
import { PUBLIC_STATES } from '../core/status.ts';
import { PERMISSIONS } from './access.ts';
import { ref, type Schema, type Schemas } from './schema.ts';

const LONGEST_NAME = 255;
const LONGEST_REASON = 1000;
const MOST_IDS = 1000;
const MOST_NAMES = 100;

/** Names are checked once more by the engine, which counts bytes. */
export const NAME: Schema = { type: 'string', maxLength: LONGEST_NAME };
export const ID: Schema = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
export const CURSOR: Schema = { type: 'string', minLength: 1, maxLength: 4096 };
export const STATE: Schema = { type: 'string', enum: PUBLIC_STATES };
const FLAG: Schema = { type: 'boolean' };
const TEXT: Schema = { type: 'string' };
const TIME: Schema = { type: 'string', format: 'date-time' };
const COUNT: Schema = { type: 'integer', minimum: 0 };
const NUMBER: Schema = { type: 'number' };
const PERIOD: Schema = { type: 'number', minimum: 0, description: 'milliseconds' };
const REASON: Schema = { type: 'string', maxLength: LONGEST_REASON, description: 'why, for the history' };
const ACTION: Schema = { type: 'string', enum: ['run', 'pause', 'move', 'delete'] };
const STATES: Schema = { type: 'object', additionalProperties: COUNT };
const SCOPE_KIND: Schema = { type: 'string', enum: ['user', 'group', 'type'] };

export const SCHEMAS: Schemas = {
  Failure: whole({
    error: {
      ...whole({ code: TEXT, message: TEXT }),
      properties: { code: TEXT, message: TEXT, remedy: TEXT, field: TEXT },
    },
  }),
  Session: whole({
    user: TEXT,
    scope: nullable(TEXT),
    can: list({ type: 'string', enum: PERMISSIONS }),
    types: list(TEXT),
    system: whole({ prefix: TEXT, database: TEXT, version: TEXT, history: FLAG }),
  }),
  ErrorView: object({ name: TEXT, message: TEXT, stack: TEXT, code: TEXT }, ['name', 'message']),
  PastErrorView: object({ name: TEXT, message: TEXT, code: TEXT, at: TIME, attempt: COUNT, replica: TEXT }, [
    'name',
    'message',
    'at',
    'attempt',
    'replica',
  ]),
  TaskView: {
    ...whole({
      id: ID,
      type: TEXT,
      version: COUNT,
      user: TEXT,
      group: TEXT,
      state: STATE,
      progress: nullable({ type: 'number', minimum: 0, maximum: 1 }),
      message: nullable(TEXT),
      error: { oneOf: [ref('ErrorView'), { type: 'null' }] },
      errors: list(ref('PastErrorView')),
      priority: { type: 'integer' },
      attempt: COUNT,
      crashes: COUNT,
      retries: COUNT,
      key: nullable(TEXT),
      parent: nullable(ID),
      dueAt: nullable(TIME),
      worked: PERIOD,
      epoch: COUNT,
      replica: nullable(TEXT),
      createdAt: TIME,
      startedAt: nullable(TIME),
      doneAt: nullable(TIME),
      actions: list(ACTION),
    }),
    // Any JSON, as far as the option `redact` shows it.
    additionalProperties: {},
  },
  TaskList: whole({ tasks: list(ref('TaskView')), next: nullable(ID) }),
  NewTask: object(
    {
      type: { ...NAME, minLength: 1 },
      input: {},
      user: NAME,
      group: NAME,
      priority: { type: 'integer', minimum: -1_000_000, maximum: 1_000_000 },
      autoRun: FLAG,
      key: { ...NAME, minLength: 1 },
      delay: { type: 'integer', minimum: 0, maximum: 366 * 86_400_000, description: 'milliseconds' },
      reason: REASON,
    },
    ['type'],
  ),
  Created: whole({ id: ID }),
  ChangeRequest: object({ reason: REASON }, []),
  MoveRequest: object({ reason: REASON, group: NAME }, ['group']),
  BulkRequest: object(
    {
      change: ACTION,
      ids: { type: 'array', items: ID, minItems: 1, maxItems: MOST_IDS },
      filter: object(
        {
          user: NAME,
          group: NAME,
          parent: ID,
          types: { type: 'array', items: NAME, minItems: 1, maxItems: MOST_NAMES },
          states: { type: 'array', items: STATE, minItems: 1, maxItems: PUBLIC_STATES.length },
        },
        [],
      ),
      all: { type: 'boolean', const: true },
      group: NAME,
      reason: REASON,
    },
    ['change'],
  ),
  BulkResult: whole({ changed: COUNT }),
  HistoryView: object(
    {
      cursor: TEXT,
      task: nullable(ID),
      scope: nullable(TEXT),
      group: TEXT,
      error: { oneOf: [ref('ErrorView'), { type: 'null' }] },
      at: TIME,
      event: TEXT,
      from: nullable(STATE),
      to: nullable(TEXT),
      mark: nullable(TEXT),
      actor: nullable(TEXT),
      reason: nullable(TEXT),
      replica: nullable(TEXT),
      epoch: nullable(COUNT),
      attempt: nullable(COUNT),
      progress: nullable(NUMBER),
      bytes: nullable(COUNT),
      context: {},
      level: { type: 'string', enum: ['debug', 'info', 'warn', 'error'] },
      message: TEXT,
      fields: { type: 'object' },
    },
    ['cursor', 'task', 'at', 'event', 'from', 'to', 'mark', 'actor', 'reason', 'replica', 'epoch', 'attempt'],
  ),
  HistoryPage: whole({ entries: list(ref('HistoryView')), next: nullable(TEXT) }),
  Problem: whole({
    kind: TEXT,
    severity: { type: 'string', enum: ['error', 'warning'] },
    count: COUNT,
    subject: TEXT,
    tasks: list(ID),
  }),
  ReplicaView: whole({
    id: TEXT,
    name: TEXT,
    startedAt: TIME,
    leaseUntil: TIME,
    leaseLeft: PERIOD,
    draining: FLAG,
    types: list(TEXT),
    concurrency: COUNT,
    running: list(whole({ id: ID, type: TEXT, epoch: COUNT })),
    blocked: PERIOD,
  }),
  ReplicaList: whole({ replicas: list(ref('ReplicaView')) }),
  Overview: whole({
    at: TIME,
    states: STATES,
    oldestWaiting: nullable(PERIOD),
    slots: whole({ total: COUNT, used: COUNT }),
    throughput: list(whole({ at: TIME, created: COUNT, started: COUNT, finished: COUNT, failed: COUNT })),
    bucket: PERIOD,
    waiting: list(whole({ at: TIME, p50: NUMBER, p95: NUMBER })),
    replicas: list(ref('ReplicaView')),
    problems: list(ref('Problem')),
  }),
  ScopeView: whole({
    name: TEXT,
    states: STATES,
    limit: nullable(COUNT),
    paused: FLAG,
    oldestWaiting: nullable(PERIOD),
    used: nullable(NUMBER),
  }),
  Queues: whole({
    users: list(ref('ScopeView')),
    groups: list(ref('ScopeView')),
    types: list(ref('ScopeView')),
    matrix: list(whole({ user: TEXT, group: TEXT, running: COUNT, waiting: COUNT, limit: nullable(COUNT) })),
  }),
  PauseRequest: object({ kind: SCOPE_KIND, name: NAME, running: FLAG, reason: REASON }, ['kind', 'name']),
  ResumeRequest: object({ kind: SCOPE_KIND, name: NAME, reason: REASON }, ['kind', 'name']),
  LimitRequest: object(
    {
      kind: { type: 'string', enum: ['user', 'group', 'type', 'user/group'] },
      name: { oneOf: [NAME, { type: 'array', items: NAME, minItems: 2, maxItems: 2 }] },
      limit: nullable({ type: 'integer', minimum: 0, maximum: 1_000_000 }),
      reason: REASON,
    },
    ['kind', 'name', 'limit'],
  ),
  ScheduleView: whole({
    name: TEXT,
    type: TEXT,
    rule: TEXT,
    zone: nullable(TEXT),
    user: TEXT,
    group: TEXT,
    paused: FLAG,
    nextAt: nullable(TIME),
    lastAt: nullable(TIME),
    lastTask: nullable(ID),
  }),
  ScheduleList: whole({ schedules: list(ref('ScheduleView')) }),
  Nothing: whole({}),
};

function object(properties: Readonly<Record<string, Schema>>, required: readonly string[]): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** An object all of whose parts are there. */
function whole(properties: Readonly<Record<string, Schema>>): Schema {
  return object(properties, Object.keys(properties));
}

function list(items: Schema): Schema {
  return { type: 'array', items };
}

function nullable(schema: Schema): Schema {
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const { enum: known, ...others } = schema;
  return { ...others, type: [...types, 'null'], ...(known === undefined ? {} : { enum: [...known, null] }) };
}
