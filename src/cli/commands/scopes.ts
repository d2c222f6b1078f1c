/** Commands about users, groups and types as a whole: what there is of each, pauses, and limits. */
import { SCOPE_KINDS, type ScopeKind } from '../../core/limit.ts';
import type { PauseOptions, ScopeCount } from '../../core/task.ts';
import type { Taskbaton } from '../../taskbaton.ts';
import type { Author } from '../../core/author.ts';
import { type Command, command } from '../command.ts';
import { REASON } from '../options.ts';
import { usage } from '../parse.ts';
import { scopeColumns } from '../view/scope.ts';

interface Kind {
  readonly kind: 'user' | 'group' | 'type';
  readonly count: (baton: Taskbaton) => Promise<readonly ScopeCount[]>;
  readonly pause: (baton: Taskbaton, name: string, options: PauseOptions & Author) => Promise<void>;
  readonly resume: (baton: Taskbaton, name: string, options: Author) => Promise<void>;
}

const KINDS: readonly Kind[] = [
  {
    kind: 'group',
    count: (baton) => baton.groups(),
    pause: (baton, name, options) => baton.pauseGroup(name, options),
    resume: (baton, name, options) => baton.resumeGroup(name, options),
  },
  {
    kind: 'user',
    count: (baton) => baton.users(),
    pause: (baton, name, options) => baton.pauseUser(name, options),
    resume: (baton, name, options) => baton.resumeUser(name, options),
  },
  {
    kind: 'type',
    count: (baton) => baton.types(),
    pause: (baton, name, options) => baton.pauseType(name, options),
    resume: (baton, name, options) => baton.resumeType(name, options),
  },
];

/** Three commands for each kind. */
export const scopes: readonly Command[] = KINDS.flatMap(({ kind, count, pause, resume }) => [
  command({
    name: `${kind}s`,
    section: 'Queues',
    summary: `Shows each ${kind}: its tasks by state, its limit, its pause, and how long the oldest waits.`,
    about: 'It reads the whole table of tasks.',
    arguments: {},
    options: {},
    examples: [`${kind}s`],
    async run(_given, session) {
      const counts = await count(await session.baton());
      return {
        json: { [`${kind}s`]: counts },
        show: (screen) =>
          counts.length === 0 && screen.live
            ? [[[`There is no ${kind} yet.`, 'dim']]]
            : screen.table(scopeColumns(kind), counts),
      };
    },
  }),
  command({
    name: `${kind}s pause`,
    section: 'Queues',
    summary: `Lets no task of a ${kind} start.`,
    about: 'What comes later waits too, until it is resumed.',
    arguments: { name: { kind: 'text', about: `The ${kind}.` } },
    options: {
      running: { kind: 'flag', about: 'Also pause those that run; they come back when it is resumed.' },
      ...REASON,
    },
    examples: [
      `${kind}s pause ${kind === 'user' ? 'ada' : kind === 'group' ? 'imports' : 'import-csv'} --running`,
    ],
    async run({ name, running, reason }, session) {
      await pause(await session.baton(), name, { running: running === true, ...session.by(reason) });
      return { json: { paused: name }, show: () => [[`The ${kind} ${name} is paused.`]] };
    },
  }),
  command({
    name: `${kind}s resume`,
    section: 'Queues',
    summary: `Ends the pause of a ${kind}.`,
    about: 'Tasks that the pause stopped go back to the queue.',
    arguments: { name: { kind: 'text', about: `The ${kind}.` } },
    options: { ...REASON },
    examples: [],
    async run({ name, reason }, session) {
      await resume(await session.baton(), name, session.by(reason));
      return { json: { resumed: name }, show: () => [[`The ${kind} ${name} is resumed.`]] };
    },
  }),
]);

interface Limit {
  readonly kind: ScopeKind;
  /** Of a pair `user group`. */
  readonly name: string | readonly [user: string, group: string];
  readonly limit: number;
}

export const limits: Command = command({
  name: 'limits',
  section: 'Queues',
  summary: 'Shows the limits that were set at run time.',
  about: 'Those of the option limits of your replicas hold besides; the guide on queues tells how.',
  arguments: {},
  options: {},
  examples: ['limits'],
  async run(_given, session) {
    const { control } = await session.store();
    await control.refresh();
    const rows = control.rules.stored().flatMap(({ kind, name, second, most }): readonly Limit[] => {
      if (most === null) return [];
      return [{ kind, name: kind === 'user/group' ? [name, second] : name, limit: most }];
    });
    return {
      json: { limits: rows },
      show: (screen) =>
        rows.length === 0 && screen.live
          ? [[['No limit is set.', 'dim']]]
          : screen.table(
              [
                { head: 'kind', cell: ({ kind }) => [kind] },
                {
                  head: 'name',
                  least: 8,
                  cell: ({ name }) => [typeof name === 'string' ? name : name.join(' in ')],
                },
                { head: 'limit', align: 'right', cell: ({ limit }) => [`${limit}`] },
              ],
              rows,
            ),
    };
  },
});

const SCOPE = {
  kind: { kind: 'text', choices: SCOPE_KINDS, about: 'What is limited.' },
  name: {
    kind: 'text',
    many: true,
    about: 'The user, group or type; for user/group first the user, then the group.',
  },
} as const;

export const setLimit: Command = command({
  name: 'limits set',
  section: 'Queues',
  summary: 'Lets at most so many tasks run at once, in all replicas together.',
  arguments: SCOPE,
  options: { to: { kind: 'number', value: 'N', about: 'How many; 0 for none.' }, ...REASON },
  examples: ['limits set group imports --to 4', 'limits set user/group ada imports --to 1'],
  async run({ kind, name, to, reason }, session) {
    if (to === undefined) throw usage('--to is missing: how many may run at once', setLimit);
    await putLimit(await session.baton(), kind as ScopeKind, name, to, session.by(reason));
    return {
      json: { kind, name, limit: to },
      show: () => [[`At most ${to} of ${kind} ${name.join(' in ')} run at once from now on.`]],
    };
  },
});

export const removeLimit: Command = command({
  name: 'limits remove',
  section: 'Queues',
  summary: 'Takes a limit back; what the options of the replicas say holds again.',
  arguments: SCOPE,
  options: { ...REASON },
  examples: ['limits remove group imports'],
  async run({ kind, name, reason }, session) {
    await putLimit(await session.baton(), kind as ScopeKind, name, null, session.by(reason));
    return {
      json: { kind, name, limit: null },
      show: () => [[`The limit of ${kind} ${name.join(' in ')} is taken back.`]],
    };
  },
});

async function putLimit(
  baton: Taskbaton,
  kind: ScopeKind,
  names: readonly string[],
  limit: number | null,
  options: Author,
): Promise<void> {
  const [first = '', second = ''] = names;
  const wanted = kind === 'user/group' ? 2 : 1;
  if (names.length !== wanted)
    throw usage(
      `${kind} has ${wanted} name${wanted === 1 ? '' : 's'}, and ${names.length} are given`,
      setLimit,
    );
  if (kind === 'user/group') await baton.setLimit(kind, [first, second], limit, options);
  else await baton.setLimit(kind, first, limit, options);
}
