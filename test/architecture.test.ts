/**
 * The rules that keep the house in order: who may import whom, who may speak SQL, who may touch time. Each is one
 * sentence; a rule that turns out wrong is changed here, with its reason, not worked around.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Found, readSources, type SourceFile } from './support/source.ts';

/** From left to right: a file may import its own folder and whatever stands before it. */
const LAYERS = [
  ['core'],
  ['queue', 'database'],
  ['store'],
  ['runtime'],
  ['.'],
  ['cron', 'testing', 'otel', 'dashboard'],
  ['cli'],
];

/** The files each database driver may be imported in: the one that speaks to that database, and the system in memory. */
const DRIVERS: Readonly<Record<string, readonly string[]>> = {
  pg: ['src/database/postgres.ts'],
  postgres: ['src/database/postgres.ts'],
  'better-sqlite3': ['src/database/sqlite.ts'],
  'node:sqlite': [
    'src/database/sqlite.ts',
    'src/database/sqlite-write-back-thread.ts',
    'src/testing/test-system.ts',
  ],
  mysql2: ['src/database/mysql.ts'],
};

/** Who may use `process`, besides the command line, and what for. */
const PROCESS_USERS: Readonly<Record<string, string>> = {
  'src/runtime/clock.ts': 'reads the monotonic clock, which is the same for all threads of the process',
  'src/taskbaton.ts': 'names the replica after its host and process, for people who read lists of replicas',
};

const LONGEST_FILE = 400;
/** The last one reads the clock on the wall, which the command line shows and compares with the database's. */
const CLOCKS = ['src/runtime/clock.ts', 'src/testing/virtual-clock.ts', 'src/cli/host.ts'];
const STATUS_WRITER = 'src/store/transition.ts';

const TIME_AND_CHANCE = new RegExp(
  `(^|\\.)(${[
    'Date\\.now',
    'Math\\.random',
    'performance\\.(now|timeOrigin)',
    'AbortSignal\\.timeout',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'randomUUID',
    'randomBytes',
    'randomInt',
    'getRandomValues',
    'Temporal',
  ].join('|')})$`,
);

const SQL = new RegExp(
  [
    '\\bSELECT\\s',
    '\\bINSERT (OR \\w+ )?INTO\\b',
    '\\bUPDATE\\s[\\s\\S]*\\bSET\\b',
    '\\bDELETE FROM\\b',
    '\\b(CREATE|DROP|ALTER) (UNIQUE |TEMPORARY )?(TABLE|INDEX|SCHEMA)\\b',
    '^\\s*(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|PRAGMA|LISTEN|NOTIFY)\\b',
    '\\b(WHERE|ORDER BY|RETURNING)\\s',
  ].join('|'),
);

const files = readSources();

describe('architecture', () => {
  test('every file lies in a folder that has its place in the order of layers', () => {
    complain(files.filter((file) => rank(file.path) < 0).map((file) => `${file.path} is in no known layer`));
  });

  test('imports point one way: core ← queue ← store ← runtime ← the front door ← cron, testing, dashboard ← cli', () => {
    complain(
      everywhere((file) =>
        file.imports
          .filter(({ text }) => isOurs(text) && !mayImport(file.path, text))
          .map((found) => `${at(file, found)} imports ${found.text}`),
      ),
    );
  });

  test('the dashboard knows the front door, the core and what doors share, and no store', () => {
    const doors = [
      'src/index.ts',
      'src/schedule-control.ts',
      'src/runtime/internals.ts',
      'src/runtime/cache.ts',
    ];
    complain(
      everywhere((file) =>
        layer(file.path) === 'dashboard'
          ? file.imports
              .filter(({ text }) => isOurs(text) && !['core', 'dashboard'].includes(layer(text)))
              .filter(({ text }) => !doors.includes(text))
              .map((found) => `${at(file, found)} imports ${found.text}`)
          : [],
      ),
    );
  });

  test('no file imports itself through others, not even for types', () => {
    complain(cycles().map((cycle) => cycle.join(' → ')));
  });

  test('core imports nothing from outside', () => {
    complain(
      everywhere((file) =>
        layer(file.path) === 'core'
          ? file.imports
              .filter(({ text }) => !isOurs(text))
              .map((found) => `${at(file, found)} imports ${found.text}`)
          : [],
      ),
    );
  });

  test('the library imports Node and its optional peers, nothing else', () => {
    const peers = optionalPeers();
    complain(
      everywhere((file) =>
        file.imports
          .filter(({ text }) => !isOurs(text) && !text.startsWith('node:') && !peers.has(packageOf(text)))
          .map((found) => `${at(file, found)} imports ${found.text}`),
      ),
    );
  });

  test('a database driver is imported only in the file that speaks to that database', () => {
    complain(
      everywhere((file) =>
        file.imports
          .filter(
            ({ text }) =>
              Object.hasOwn(DRIVERS, packageOf(text)) && !DRIVERS[packageOf(text)]?.includes(file.path),
          )
          .map((found) => `${at(file, found)} imports ${found.text}`),
      ),
    );
  });

  test('only the store, the queues, the connections and the contract for databases speak SQL', () => {
    complain(
      everywhere((file) => {
        if (['store', 'queue', 'database', 'testing'].includes(layer(file.path))) return [];
        const strings = file.strings.filter(({ text }) => SQL.test(text));
        const calls = file.calls.filter(({ text }) => /\.query(\(\))?$/.test(text));
        return [...strings, ...calls].map((found) => `${at(file, found)} has ${JSON.stringify(found.text)}`);
      }),
    );
  });

  test('one file writes the status of a task', () => {
    const writers = files.filter(writesStatus).map(({ path }) => path);
    assert.deepEqual(writers, [STATUS_WRITER]);
  });

  test('time, timers and randomness come from the clocks', () => {
    complain(
      everywhere((file) => {
        if (CLOCKS.includes(file.path)) return [];
        const names = file.names.filter(({ text }) => TIME_AND_CHANCE.test(text));
        const dates = file.calls.filter(({ text }) => /^(new )?Date\(\)$/.test(text));
        const modules = file.imports.filter(({ text }) => /^node:(timers|perf_hooks)/.test(text));
        return [...names, ...dates, ...modules].map((found) => `${at(file, found)} uses ${found.text}`);
      }),
    );
  });

  test('the process belongs to the program, not to the library', () => {
    complain(
      everywhere((file) => {
        if (layer(file.path) === 'cli' || Object.hasOwn(PROCESS_USERS, file.path)) return [];
        const names = file.names.filter(({ text }) => text === 'process' || text === 'globalThis.process');
        const modules = file.imports.filter(({ text }) => text === 'node:process');
        return [...names, ...modules].map((found) => `${at(file, found)} uses ${found.text}`);
      }),
    );
  });

  test(`a file has at most ${LONGEST_FILE} lines`, () => {
    const long = files.filter(({ lines }) => lines > LONGEST_FILE);
    complain(long.map(({ path, lines }) => `${path} has ${lines} lines`));
  });

  test('no module awaits while it is loaded, so that require() can load the library', () => {
    complain(everywhere((file) => file.topLevelAwaits.map((found) => `${at(file, found)} awaits`)));
  });
});

function complain(violations: readonly string[]): void {
  assert.equal(violations.length, 0, `\n  ${violations.join('\n  ')}`);
}

function everywhere(rule: (file: SourceFile) => readonly string[]): readonly string[] {
  return files.flatMap(rule);
}

function at(file: SourceFile, found: Found): string {
  return `${file.path}:${found.line}`;
}

/** The folder of `src` that a file is in, `.` for those at the front door. */
function layer(path: string): string {
  const parts = path.split('/');
  return parts.length > 2 ? (parts[1] ?? '') : '.';
}

function rank(path: string): number {
  return LAYERS.findIndex((names) => names.includes(layer(path)));
}

function isOurs(imported: string): boolean {
  return imported.startsWith('src/') || imported.startsWith('.');
}

function mayImport(from: string, to: string): boolean {
  return to.startsWith('src/') && (layer(from) === layer(to) || rank(to) < rank(from));
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}

function optionalPeers(): ReadonlySet<string> {
  const text = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8');
  return new Set(Object.keys((JSON.parse(text) as { peerDependencies: object }).peerDependencies));
}

/** In SQL, as a piece of a SET list, or as the name of a column in a table of data. */
function writesStatus(file: SourceFile): boolean {
  const sets = /\bSET\b(?:(?!\b(?:WHERE|FROM|RETURNING)\b)[\s\S])*?\bstatus\s*=|^\s*status\s*=/;
  return file.strings.some(({ text }) => sets.test(text)) || file.heads.some(({ text }) => text === 'status');
}

function cycles(): readonly string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const imports = new Map(files.map((file) => [file.path, file.imports.map(({ text }) => text)]));
  const follow = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path);
    if (seen >= 0) found.push([...trail.slice(seen), path]);
    if (seen >= 0 || done.has(path)) return;
    for (const next of imports.get(path) ?? []) follow(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) follow(path, []);
  return found;
}
