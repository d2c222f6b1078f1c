/**
 * Mutants of the engine: small changes, each of which takes away one thing that its safety rests on. Tests that can fail must
 * notice every one of them: the simulation, and a test on a real database.
 */

export interface Edit {
  /** In `src`. */
  readonly file: string;
  /** Text that is there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  /** What it comes to. */
  readonly breaks: string;
  readonly edits: readonly Edit[];
  /** The test on databases that notices it: a file, and of its tests those with such names. */
  readonly test: { readonly file: string; readonly pattern: string };
}

const SETTLEMENT = 'store/settlement.ts';
const FENCED = "id = v_id AND COALESCE(owner, '') = v_owner AND epoch = v_epoch";
const WITHOUT_EPOCH = "id = v_id AND COALESCE(owner, '') = v_owner";

/** Ends of this kind, and no others, go by another condition. */
function endBy(event: 'finish' | 'yield', condition: string): Edit {
  return {
    file: SETTLEMENT,
    find: 'where: { sql: FENCED, values: [] },',
    replace: `where: { sql: event === '${event}' ? "${condition}" : FENCED, values: [] },`,
  };
}

const RESCUE_IN_TWO: Edit = {
  file: 'store/rescue.ts',
  find: `  return applyEvent(connection, tables.task, control.terms, event, {
    where: { sql: \`id \${dialect.among(pick)} AND \${dead.sql}\`, values: [...dead.values, ...dead.values] },
    set,
    note: { error: { sql: '?', values: [error] } },
  });`,
  replace: `  return connection.query(pick, dead.values).then(({ rows }) =>
    rows.length === 0
      ? 0
      : applyEvent(connection, tables.task, control.terms, event, {
          where: isAmong('id', rows.map((row) => Number(row['id']))),
          set,
        }),
  );`,
};

const NO_SELF_FENCE: Edit = {
  file: 'runtime/lease.ts',
  find: '      if (replica !== undefined && !this.#catchUp()) this.lose(replica);',
  replace: '      void replica;',
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'no epoch in reports',
    breaks: 'a report of an earlier claim by the same replica is stored',
    edits: [
      {
        file: SETTLEMENT,
        find: '`${FENCED} AND ${HELD} AND ${fits}`',
        replace: `\`${WITHOUT_EPOCH} AND \${HELD} AND \${fits}\``,
      },
    ],
    test: { file: 'test/contract/checkpoint.test.ts', pattern: 'epoch' },
  },
  {
    name: 'no order of reports',
    breaks: 'a report that was given up on and sent again is stored after a later one',
    edits: [
      {
        file: SETTLEMENT,
        find: "`${NEWEST} IN (${once ? '1' : '0, 1'})`",
        replace: "once ? `${NEWEST} = 1` : '1 = 1'",
      },
    ],
    test: { file: 'test/contract/checkpoint.test.ts', pattern: 'later' },
  },
  {
    // The owner alone would do: of what it finished, a replica gets nothing back under the same lease.
    name: 'no owner and no epoch in finish',
    breaks: 'a replica that has lost the task finishes it under the one that has it now',
    edits: [endBy('finish', 'id = v_id')],
    test: { file: 'test/contract/settle.test.ts', pattern: 'epoch' },
  },
  {
    name: 'no epoch in yield',
    breaks: 'an earlier claim by the same replica gives the task back under the present one',
    edits: [endBy('yield', WITHOUT_EPOCH)],
    test: { file: 'test/contract/settle.test.ts', pattern: 'epoch' },
  },
  {
    name: 'rescue in two statements',
    breaks: 'a task that changed hands in between is taken from its new owner',
    edits: [RESCUE_IN_TWO],
    test: { file: 'test/contract/rescue.test.ts', pattern: '.' },
  },
  {
    name: 'rescue ignores marks',
    breaks: 'a task that was to be paused goes on after a crash',
    edits: [
      {
        file: 'core/status.ts',
        find: `      recover: 'paused/pause',
      expire: 'paused/pause',`,
        replace: `      recover: 'paused/run',
      expire: 'failed/run',`,
      },
    ],
    test: { file: 'test/contract/rescue.test.ts', pattern: '.' },
  },
  {
    name: "the replica's clock",
    breaks: 'leases are reckoned by clocks that differ',
    edits: [
      {
        file: 'store/lease.ts',
        find: `): Promise<boolean> {
  const { now } = dialect;`,
        replace: `): Promise<boolean> {
  const now = dialect.now === '' ? '' : String(Date.now());`,
      },
    ],
    test: { file: 'test/contract/database-time.test.ts', pattern: '.' },
  },
  {
    name: 'an expired lease is renewed',
    breaks: 'a replica comes back with a lease that others have seen end',
    edits: [
      {
        file: 'store/lease.ts',
        find: '     WHERE id = ? AND lease_until > ${now}`,',
        replace: '     WHERE id = ?`,',
      },
    ],
    test: { file: 'test/contract/renew-and-held.test.ts', pattern: '.' },
  },
  {
    name: 'the epoch is used again',
    breaks: 'two claims of one attempt have the same epoch',
    edits: [{ file: 'store/claim.ts', find: 'epoch = epoch + 1', replace: 'epoch = attempt' }],
    test: { file: 'test/contract/claim.test.ts', pattern: '.' },
  },
  {
    name: 'no self-fence',
    breaks: 'a replica that is cut off works on after its lease',
    edits: [NO_SELF_FENCE],
    test: { file: 'test/lifecycle/faults.test.ts', pattern: '.' },
  },
  {
    name: 'a slot is not freed',
    breaks: 'a replica takes so many tasks and then none',
    edits: [{ file: 'runtime/intake.ts', find: '    this.#slots.end(execution.begun);\n', replace: '' }],
    test: { file: 'test/lifecycle/misbehaviour.test.ts', pattern: '.' },
  },
  {
    name: 'acknowledged before the commit',
    breaks: 'a handler goes on from a report that is not stored yet',
    edits: [
      {
        file: 'runtime/writes.ts',
        find: '    return this.#checkpoints.add({ fence, checkpoint });',
        replace:
          '    void this.#checkpoints.add({ fence, checkpoint }).catch(() => undefined);\n    return Promise.resolve();',
      },
    ],
    test: { file: 'test/lifecycle/resume-everywhere.test.ts', pattern: '.' },
  },
  {
    name: 'limits do not count leases',
    breaks: 'what is held since before there was a limit does not count',
    edits: [
      {
        file: 'queue/scheduler.ts',
        find: '  if (adopt.length > 0) await adoptRunning(round, adopt);\n',
        replace: '',
      },
    ],
    test: { file: 'test/contract/limits.test.ts', pattern: '.' },
  },
  {
    name: 'the cleanup is skipped',
    breaks: 'what a paused task left outside is never cleaned up',
    edits: [
      {
        file: 'core/status.ts',
        find: `    shows: 'paused',
    on: { run: 'pending/run', pause: 'paused/pause', delete: 'pending/delete' },`,
        replace: `    shows: 'paused',
    on: { run: 'pending/run', pause: 'paused/pause', delete: 'removed' },`,
      },
    ],
    test: { file: 'test/contract/change.test.ts', pattern: '.' },
  },
  {
    name: 'entered into the queue by a second statement',
    breaks: 'whoever dies in between leaves a task that waits and is in no queue',
    edits: [
      {
        file: 'store/transition.ts',
        find: "['queue', (arrow, _event, { due }) => literal(isLater(arrow, due) ? LATER : row(arrow.to)?.waits?.queue)],",
        replace: "['queue', (arrow, _event, { due }) => (isLater(arrow, due) ? `'${LATER}'` : 'NULL')],",
      },
      {
        file: 'store/transition.ts',
        find: `    if (changed < (scope.most ?? Infinity)) changed += (await carryOut(connection, terms, write)).changes;
  }
  return changed;`,
        replace: `    if (changed < (scope.most ?? Infinity)) changed += (await carryOut(connection, terms, write)).changes;
  }
  for (const queue of QUEUES)
    await connection.query(
      \`UPDATE \${table} SET queue = '\${queue}' WHERE queue IS NULL AND turn IS NOT NULL AND status IN (\${Object.entries(STATUS)
        .filter(([, { waits }]) => waits?.queue === queue)
        .map(([status]) => \`'\${status}'\`)
        .join(', ')})\`,
    );
  return changed;`,
      },
    ],
    test: { file: 'test/contract/torn.test.ts', pattern: '.' },
  },
  {
    name: "go-async's rules",
    breaks: 'no owner and no epoch in any write, a cleaner in two statements, no fence of its own',
    edits: [
      { file: SETTLEMENT, find: `const FENCED = "${FENCED}";`, replace: 'const FENCED = "id = v_id";' },
      RESCUE_IN_TWO,
      NO_SELF_FENCE,
    ],
    test: { file: 'test/contract/settle.test.ts', pattern: '.' },
  },
];

/** The source with the edits made. Throws where one does not apply. */
export function mutated(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(`the text to change is ${parts.length - 1} times in src/${file}:\n${find}`);
  return parts.join(replace);
}
