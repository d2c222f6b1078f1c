/** Commands about our tables: make them, or show what would be done. */
import { openDatabase } from '../../database/open.ts';
import type { Database, DialectName } from '../../core/connection.ts';
import { systemClock } from '../../runtime/clock.ts';
import { DIALECTS } from '../../store/dialect.ts';
import { readVersion, SCHEMA_VERSION, stepsFrom, type Tables, tablesOf } from '../../store/schema.ts';
import { type Command, command } from '../command.ts';
import { missingFile } from '../configuration.ts';
import { usage } from '../parse.ts';
import type { Line } from '../screen/line.ts';
import type { Session } from '../session.ts';

const DATABASES: readonly DialectName[] = ['sqlite', 'postgres', 'mysql'];

interface Found {
  readonly dialect: DialectName;
  readonly tables: Tables;
  /** 0 if there are none. */
  readonly version: number;
}

export const migrate: Command = command({
  name: 'migrate',
  section: 'Start',
  summary: 'Makes the tables, or brings them up to date.',
  about: 'It may be run by many at once, and again at any time. Nothing else in this program changes tables.',
  arguments: {},
  options: {},
  examples: ['migrate --db sqlite:tasks.db', 'migrate --db postgres://admin@localhost/app --schema tasks'],
  async run(_given, session) {
    const { version } = await look(session);
    await (await session.baton({ mayCreate: true })).migrate();
    const { label } = await session.place();
    const text =
      version >= SCHEMA_VERSION
        ? `The tables are at version ${version} already.`
        : version === 0
          ? `The tables are made, at version ${SCHEMA_VERSION}.`
          : `The tables are brought from version ${version} to ${SCHEMA_VERSION}.`;
    return {
      json: { from: version, to: Math.max(version, SCHEMA_VERSION) },
      show: (screen) => [screen.live ? [['✔ ', 'green'], text, [`  ${label}`, 'dim']] : [text]],
    };
  },
});

export const plans: Command = command({
  name: 'plans',
  section: 'Start',
  summary: 'Prints the SQL that migrate would run, and runs nothing.',
  about: 'With --for it prints all of it for that kind of database, and needs none.',
  arguments: {},
  options: {
    for: { kind: 'text', value: 'KIND', choices: DATABASES, about: 'Everything, for this kind of database.' },
  },
  examples: ['plans --db postgres://localhost/app', 'plans --for mysql > tables.sql'],
  async run(given, session) {
    const { dialect, tables, version } = await (given.for === undefined
      ? look(session)
      : planned(session, given.for as DialectName));
    const statements = stepsFrom(version, tables, DIALECTS[dialect]).map(tidy);
    return {
      json: { database: dialect, from: version, to: SCHEMA_VERSION, statements },
      show: (screen) => {
        const head: Line = [[`-- from version ${version} to ${SCHEMA_VERSION}`, 'dim']];
        const none: Line = [[`-- nothing to do: the tables are at version ${version}`, 'dim']];
        const lines = statements.flatMap((statement) =>
          `${statement};`.split('\n').map((line): Line => [line]),
        );
        if (screen.live || statements.length === 0) return [statements.length === 0 ? none : head, ...lines];
        return lines;
      },
    };
  },
});

/** What is there, without making anything: of a file that isn't there it is known that it is empty. */
async function look(session: Session): Promise<Found> {
  const { options } = await session.place();
  const { prefix, schema } = await session.settings();
  const tables = tablesOf(prefix, schema);
  if (missingFile(options.db, session.host.folder) !== undefined)
    return { dialect: 'sqlite', tables, version: 0 };
  const database: Database = await openDatabase(options.db, { clock: systemClock });
  try {
    return { dialect: database.dialect, tables, version: await readVersion(database, database, tables) };
  } finally {
    await database.close();
  }
}

async function planned(session: Session, dialect: DialectName): Promise<Found> {
  const { prefix, schema } = await session.settings();
  if (schema !== undefined && dialect !== 'postgres')
    throw usage('--schema is for PostgreSQL only; use --prefix', plans);
  return { dialect, tables: tablesOf(prefix, schema), version: 0 };
}

/** Without the indentation that it has in our sources. */
function tidy(statement: string): string {
  const lines = statement
    .trim()
    .split('\n')
    .map((line) => line.trimEnd());
  const indents = lines.slice(1).map((line) => line.length - line.trimStart().length);
  const least = Math.min(...indents.filter((_, index) => lines[index + 1] !== ''));
  return lines.map((line, index) => (index === 0 ? line : line.slice(least))).join('\n');
}
