/** Query builders and object-relational mappers as a user would open them, each on the databases that it speaks. */
import BetterSqlite3 from 'better-sqlite3';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import { PrismaMariaDb } from '@prisma/adapter-mariadb';
import { PrismaPg } from '@prisma/adapter-pg';
import { getPrismaClient } from '@prisma/client/runtime/client';
import { drizzle as drizzleSqlite } from 'drizzle-orm/better-sqlite3';
import { drizzle as drizzleMysql } from 'drizzle-orm/mysql2';
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres';
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js';
import { Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely';
import knex, { type Knex } from 'knex';
import { createPool } from 'mysql2';
import pg from 'pg';
import postgresJs from 'postgres';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { fromDrizzle, fromKnex, fromKysely, fromPrisma, fromTypeOrm } from '../../src/index.ts';
import type { BackendName } from '../backends.ts';

/** A library, open on a database. */
export interface Orm {
  /** Runs `work` in one of the library's transactions, with what to pass as `tx`; it rolls back if `work` rejects. */
  transaction(work: (tx: unknown) => Promise<void>): Promise<void>;
  /** What to pass as `tx` where no transaction was begun; throws where the adapter refuses it at once. */
  outside(): unknown;
  close(): Promise<void>;
}

type Open = (url: string) => Promise<Orm>;

export const ORMS: Readonly<Record<BackendName, Readonly<Record<string, Open>>>> = {
  sqlite: {
    Kysely: async (url) => kysely(new SqliteDialect({ database: sqlite(url) })),
    Drizzle: async (url) => {
      const handle = sqlite(url);
      const db = drizzleSqlite(handle);
      return {
        // Its own transactions are synchronous on this driver, so the user begins and ends them.
        transaction: async (work) => {
          handle.exec('BEGIN IMMEDIATE');
          try {
            await work(fromDrizzle(db));
            handle.exec('COMMIT');
          } catch (error) {
            handle.exec('ROLLBACK');
            throw error;
          }
        },
        outside: () => fromDrizzle(db),
        close: async () => void handle.close(),
      };
    },
    Knex: async (url) =>
      knexOn({ client: 'better-sqlite3', connection: { filename: fileOf(url) }, useNullAsDefault: true }),
    Prisma: async (url) => prisma('sqlite', new PrismaBetterSqlite3({ url: `file:${fileOf(url)}` })),
    TypeORM: (url) => typeOrm({ type: 'better-sqlite3', database: fileOf(url) }),
  },
  postgres: {
    Kysely: async (url) => kysely(new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) })),
    'Drizzle by pg': async (url) => {
      const pool = new pg.Pool({ connectionString: url });
      return drizzle(drizzlePg(pool), () => pool.end());
    },
    'Drizzle by postgres.js': async (url) => {
      const sql = postgresJs(url, { onnotice: () => undefined });
      return drizzle(drizzlePostgresJs(sql), () => sql.end());
    },
    Knex: async (url) => knexOn({ client: 'pg', connection: url }),
    Prisma: async (url) => prisma('postgresql', new PrismaPg({ connectionString: url })),
    TypeORM: (url) => typeOrm({ type: 'postgres', url }),
  },
  mysql: {
    Kysely: async (url) => kysely(new MysqlDialect({ pool: createPool({ uri: url }) })),
    Drizzle: async (url) => {
      const pool = createPool({ uri: url });
      return drizzle(drizzleMysql(pool), () => pool.promise().end());
    },
    Knex: async (url) => knexOn({ client: 'mysql2', connection: url }),
    Prisma: async (url) => prisma('mysql', new PrismaMariaDb(url.replace('mysql:', 'mariadb:'))),
    TypeORM: (url) => typeOrm({ type: 'mysql', url }),
  },
};

function kysely(dialect: ConstructorParameters<typeof Kysely>[0]['dialect']): Orm {
  const db = new Kysely<unknown>({ dialect });
  return {
    transaction: (work) => db.transaction().execute((trx) => work(fromKysely(trx))),
    outside: () => fromKysely(db),
    close: () => db.destroy(),
  };
}

function drizzle(
  db: { transaction(work: (tx: unknown) => Promise<void>): Promise<void> },
  close: () => Promise<void>,
): Orm {
  return {
    transaction: (work) => db.transaction((tx) => work(fromDrizzle(tx))),
    outside: () => fromDrizzle(db),
    close,
  };
}

function knexOn(config: Knex.Config): Orm {
  const db = knex(config);
  return {
    transaction: (work) => db.transaction((trx) => work(fromKnex(trx))),
    outside: () => fromKnex(db),
    close: () => db.destroy(),
  };
}

async function typeOrm(options: DataSourceOptions): Promise<Orm> {
  const source = await new DataSource(options).initialize();
  return {
    transaction: (work) => source.transaction((manager) => work(fromTypeOrm(manager))),
    outside: () => fromTypeOrm(source.createQueryRunner()),
    close: () => source.destroy(),
  };
}

interface PrismaLike {
  $transaction(work: (tx: unknown) => Promise<void>): Promise<void>;
  $disconnect(): Promise<void>;
}

/** What `prisma generate` writes for a schema without models: generating it would need an engine to be downloaded. */
function prisma(provider: 'sqlite' | 'postgresql' | 'mysql', adapter: object): Orm {
  const compiler = `@prisma/client/runtime/query_compiler_fast_bg.${provider}`;
  const Client = getPrismaClient({
    previewFeatures: [],
    clientVersion: '7.10.0',
    engineVersion: '',
    activeProvider: provider,
    inlineSchema: `datasource db {\n  provider = "${provider}"\n}\n`,
    runtimeDataModel: { models: {}, enums: {}, types: {} },
    parameterizationSchema: { strings: [], graph: 'AAAA' },
    compilerWasm: {
      getRuntime: async () => (await import(`${compiler}.mjs`)) as never,
      getQueryCompilerWasmModule: async () => {
        const { wasm } = (await import(`${compiler}.wasm-base64.mjs`)) as { readonly wasm: string };
        return compile(wasm);
      },
      importName: './query_compiler_fast_bg.js',
    },
  }) as unknown as new (options: object) => PrismaLike;
  const client = new Client({ adapter });
  return {
    transaction: (work) => client.$transaction((tx) => work(fromPrisma(tx))),
    outside: () => fromPrisma(client),
    close: () => client.$disconnect(),
  };
}

/** Node has WebAssembly, and its types don't. */
function compile(wasm: string): never {
  const { Module } = Reflect.get(globalThis, 'WebAssembly') as { Module: new (bytes: Uint8Array) => never };
  return new Module(Buffer.from(wasm, 'base64'));
}

function sqlite(url: string): BetterSqlite3.Database {
  return new BetterSqlite3(fileOf(url));
}

function fileOf(url: string): string {
  return url.replace('sqlite:', '');
}
