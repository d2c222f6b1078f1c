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
    what: 'All public operations, with replicas that start, are drained, stop and crash, against the reference',
    command:
      'TASKBATON_MODEL_RUNS=250 TASKBATON_MODEL_COMMANDS=60 npm test -- test/model/model-based.test.ts',
    came: '7,238 commands in 320 runs: 5,722 on SQLite (seed 234548217), 814 on PostgreSQL (229116681), 702 on MariaDB (1569542004); 8,445 in 344 runs before events and versions were looked at, and 14,529 in 620 before there were keys, delays, schedules, draining, and limits and pauses of users and types',
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
    command: 'npm run simulate -- --seeds 100000',
    came: '100,000 seeds, 38,389,343 events, 17,262,867 statements, in 218 s; once in CI for each change',
    violations: 0,
  },
  {
    what: 'Nemesis on SQLite, ten minutes',
    command: 'npm run nemesis -- --db sqlite --minutes 10 --seed 20261207',
    came: '4,454 tasks, 287 faults, 1,227 stale writes, all refused; 90,968 records of the database and 162,269 lines of ledgers, I1 to I16; I11 by 101 orders, 99 of 100 heard within 103 ms',
    violations: 0,
  },
  {
    what: 'Nemesis on PostgreSQL 15, ten minutes',
    command: 'npm run nemesis -- --db postgres --minutes 10 --seed 20261206',
    came: '5,438 tasks, 316 faults, 826 stale writes, all refused; 111,732 records of the database and 199,265 lines of ledgers, I1 to I16; I11 by 173 orders, 99 of 100 heard within 111 ms',
    violations: 0,
  },
  {
    what: 'Nemesis on MariaDB 10.11, ten minutes',
    command: 'npm run nemesis -- --db mysql --minutes 10 --seed 20261204',
    came: '5,114 tasks, 292 faults, 734 stale writes, all refused; 101,500 records of the database and 178,451 lines of ledgers, I1 to I16; I11 by 2 orders',
    violations: 0,
  },
  {
    what: 'Soak on PostgreSQL 15: 50 tasks a second in five replicas, one of them killed every half a minute, the server every ten',
    command: 'npm run soak -- --db postgres --minutes 30',
    came: '82,321 tasks in 30 minutes; of the first ten minutes and the last: heap of a replica 16.1 and 16.6 million bytes, handles 5 and 4, connections 28 and 27, dead rows 9,211 and 10,663, tables and indexes 8.1 and 9.2 million bytes, p99 of the wait for a start 27 and 26 ms. The history is kept for a minute',
    violations: 0,
  },
  {
    what: 'Mutants of the engine, made by hand',
    command: 'npm run mutants',
    came: 'all 16 noticed, by the simulation within 426 seeds, and by a test on a database',
    violations: 0,
  },
  {
    what: 'Mutants of `src/core`, by Stryker',
    command: 'npm run mutants:core',
    came: '2,280 mutants, of which unit tests that need nothing else noticed 2,268 (99.5 %), none of them by running out of time; of the 12 that survive, eight change nothing that can be seen',
    violations: 0,
  },
];
