/** Options that all commands have, or many: each is described once. */
import { PUBLIC_STATES } from '../core/status.ts';
import type { Option, Options } from './command.ts';

/** Every command takes these. */
export const COMMON = {
  db: {
    kind: 'text',
    value: 'URL',
    about: 'The database: sqlite:tasks.db, postgres://…, mysql://…',
    environment: 'TASKBATON_DB',
  },
  prefix: {
    kind: 'text',
    value: 'TEXT',
    about: 'What the names of the tables begin with; taskbaton_.',
    environment: 'TASKBATON_PREFIX',
  },
  schema: {
    kind: 'text',
    value: 'NAME',
    about: 'PostgreSQL: the schema that the tables are in.',
    environment: 'TASKBATON_SCHEMA',
  },
  config: {
    kind: 'text',
    value: 'FILE',
    about: 'The configuration, instead of taskbaton.config.ts (or .mts, .js, .mjs) in this folder.',
    environment: 'TASKBATON_CONFIG',
  },
  json: { kind: 'flag', about: 'Results, and errors, as JSON.' },
  debug: { kind: 'flag', about: 'Errors with their stacks and causes.' },
  help: { kind: 'flag', short: 'h', about: 'What there is to say about the command.' },
  version: { kind: 'flag', about: 'The version of taskbaton.' },
} as const satisfies Options;

const user = {
  kind: 'text',
  short: 'u',
  value: 'NAME',
  about: 'Only tasks of this user.',
} as const satisfies Option;
const group = {
  kind: 'text',
  short: 'g',
  value: 'NAME',
  about: 'Only tasks of this group.',
} as const satisfies Option;
const type = {
  kind: 'text',
  short: 't',
  value: 'TYPE',
  many: true,
  about: 'Only tasks of this type.',
} as const satisfies Option;
const state = {
  kind: 'text',
  short: 's',
  value: 'STATE',
  many: true,
  choices: PUBLIC_STATES,
  about: 'Only tasks in this state.',
} as const satisfies Option;

/** Which tasks are listed. */
export const FILTER = {
  user,
  group,
  type,
  state,
  parent: { kind: 'id', value: 'ID', about: 'Only children of this task.' },
  deleting: { kind: 'flag', about: 'Also tasks that are being deleted.' },
} as const satisfies Options;

/** Who says so, where something is changed. */
export const REASON = {
  reason: { kind: 'text', value: 'TEXT', about: 'Why; kept in the history of the task.' },
} as const satisfies Options;

/** Which tasks are changed, where they aren't named by their ids. */
export const MASS = {
  user,
  group,
  type,
  state,
  all: { kind: 'flag', about: 'All tasks there are.' },
  yes: { kind: 'flag', short: 'y', about: 'Do not ask before many tasks are changed.' },
  ...REASON,
} as const satisfies Options;

export const WHEN = {
  delay: {
    kind: 'duration',
    value: 'TIME',
    about: 'Not before so much time has passed: 500ms, 30s, 5m, 2h, 1d.',
  },
  at: { kind: 'time', value: 'TIME', about: 'Not before this time: 2026-12-24T18:00Z.' },
} as const satisfies Options;
