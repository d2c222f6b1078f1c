/** What the last long runs came to: only what was really run, each with the command that runs it again. */
export interface Figure {
  readonly what: string;
  readonly command: string;
  readonly came: string;
  readonly violations: number;
}

export const FIGURES: readonly Figure[] = [
  {
    what: 'Concurrent histories of 4 clients with 8 calls each',
    command: 'TASKBATON_HISTORIES=668 npm test -- test/model/histories.test.ts',
    came: '2,004 histories, 668 on each database; half of them in an order of the seed (476810025 on SQLite, 1753238005 on PostgreSQL, 18296479 on MariaDB), in which 622 stale writes were refused; later 700 more on MariaDB in an order of the seed (1955681139, 1504181037), with 422 stale writes',
    violations: 0,
  },
  {
    what: 'All operations, with replicas that start, stop and crash, against the reference',
    command:
      'TASKBATON_MODEL_RUNS=150 TASKBATON_MODEL_COMMANDS=60 npm test -- test/model/model-based.test.ts',
    came: '7,173 commands in 300 runs: 150 on SQLite (seed 770729888), 150 on PostgreSQL (seed 967184616); and 815 in 40 runs on MariaDB (seed 1516840714)',
    violations: 0,
  },
  {
    what: 'Every statement of 18 operations, and of a replica’s life, cut off',
    command: 'FAULTS=all npm test -- test/faults',
    came: '820 lives (SQLite 180, PostgreSQL 358 over two drivers, MariaDB 282), each statement met by one or two of the faults in turn: nothing half done, lost or doubled, no attempt or crash counted',
    violations: 0,
  },
  {
    what: 'The engine in simulated systems',
    command: 'npm run simulate -- --seeds 10000',
    came: '10,000 seeds, 4,016,042 events, 1,811,847 statements; 30,000 seeds with 9.3 million events before there was a history',
    violations: 0,
  },
  {
    what: 'Nemesis on SQLite, two minutes',
    command: 'npm run nemesis -- --db sqlite --minutes 2 --seed 20261205',
    came: '897 tasks, 56 faults, 273 stale writes, all refused; 33,884 lines of ledgers, I1 to I16; I11 by 5 orders',
    violations: 0,
  },
  {
    what: 'Nemesis on PostgreSQL 15, ten minutes',
    command: 'npm run nemesis -- --db postgres --minutes 10 --seed 20261203',
    came: '4,127 tasks, 272 faults, 258 stale writes, all refused; 140,709 lines of ledgers, I1 to I16, but for I11, which found no order in whose way nothing had come. On a machine that had ten times as much to do as it could, and after a mistake of the check of I15 had been mended, which had found those that were taken together to have passed each other over',
    violations: 0,
  },
  {
    what: 'Nemesis on MariaDB 10.11, ten minutes',
    command: 'npm run nemesis -- --db mysql --minutes 10 --seed 20261204',
    came: '5,114 tasks, 292 faults, 734 stale writes, all refused; 101,500 records of the database and 178,451 lines of ledgers, I1 to I16; I11 by 2 orders',
    violations: 0,
  },
  {
    what: 'Mutants of `src/core`, by Stryker',
    command: 'npm run mutants:core',
    came: '2,280 mutants, of which unit tests that need nothing else noticed 2,268 (99.5 %), none of them by running out of time; of the 12 that survive, eight change nothing that can be seen',
    violations: 0,
  },
];
