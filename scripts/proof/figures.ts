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
    came: '2,004 histories, 668 on each database; half of them in an order of the seed (476810025 on SQLite, 1753238005 on PostgreSQL, 18296479 on MariaDB), in which 622 stale writes were refused',
    violations: 0,
  },
];
