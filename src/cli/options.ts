/** Options that all commands have, or many: each is described once. */
import { PUBLIC_STATES } from '../core/status.ts';
import type { Option } from './parameter.ts';

type Of<Kind extends Option['kind']> = Option & { readonly kind: Kind };
type ListOf<Kind extends Option['kind']> = Of<Kind> & { readonly many: true };
type FromEnvironment = Of<'text'> & { readonly environment: string };

type Common = Readonly<
  Record<'db' | 'prefix' | 'schema' | 'config', FromEnvironment> &
    Record<'json' | 'debug' | 'help' | 'version', Of<'flag'>>
>;

/** Every command takes these. */
export const COMMON: Common = {
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
};

type Whose = {
  readonly user: Of<'text'>;
  readonly group: Of<'text'>;
  readonly type: ListOf<'text'>;
  readonly state: ListOf<'text'>;
  readonly parent: Of<'id'>;
};

const WHOSE: Whose = {
  user: { kind: 'text', short: 'u', value: 'NAME', about: 'Only tasks of this user.' },
  group: { kind: 'text', short: 'g', value: 'NAME', about: 'Only tasks of this group.' },
  type: { kind: 'text', short: 't', value: 'TYPE', many: true, about: 'Only tasks of this type.' },
  state: {
    kind: 'text',
    short: 's',
    value: 'STATE',
    many: true,
    choices: PUBLIC_STATES,
    about: 'Only tasks in this state.',
  },
  parent: { kind: 'id', value: 'ID', about: 'Only children of this task.' },
};

type Filter = Whose & {
  readonly deleting: Of<'flag'>;
};

/** Which tasks are listed. */
export const FILTER: Filter = {
  ...WHOSE,
  deleting: { kind: 'flag', about: 'Also tasks that are being deleted.' },
};

type Reason = {
  readonly reason: Of<'text'>;
};

/** Why, where something is changed. */
export const REASON: Reason = {
  reason: { kind: 'text', value: 'TEXT', about: 'Why; kept in the history of the task.' },
};

type Mass = Whose &
  Reason & {
    readonly all: Of<'flag'>;
    readonly yes: Of<'flag'>;
  };

/** Which tasks are changed, where they aren't named by their ids. */
export const MASS: Mass = {
  ...WHOSE,
  all: { kind: 'flag', about: 'All tasks there are.' },
  yes: { kind: 'flag', short: 'y', about: 'Do not ask before many tasks are changed.' },
  ...REASON,
};

type When = {
  readonly delay: Of<'duration'>;
  readonly at: Of<'time'>;
};

export const WHEN: When = {
  delay: {
    kind: 'duration',
    value: 'TIME',
    about: 'Not before so much time has passed: 500ms, 30s, 5m, 2h, 1d.',
  },
  at: { kind: 'time', value: 'TIME', about: 'Not before this time: 2026-12-24T18:00Z.' },
};
