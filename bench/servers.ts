/**
 * The servers of a run: private ones, started when they are first needed and gone afterwards, as durable as they come.
 * So nothing that runs already is disturbed, and what the servers do is known to be the benchmark's.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPrivateMariadb } from '../scripts/mariadb.ts';
import { startPrivatePostgres } from '../scripts/private-postgres.ts';
import { startPrivateRedis } from '../scripts/redis.ts';

export type ServerName = 'postgres' | 'mysql' | 'sqlite' | 'redis' | 'redis-everysec' | 'redis-always';

interface Server {
  /** For SQLite the folder of its files. */
  readonly url: string;
  close(): Promise<void>;
}

/** Memory and log as a server of its own machine would have them; all that concerns durability is the default. */
const POSTGRES_SETTINGS = [
  'fsync=on',
  'shared_buffers=1GB',
  'max_wal_size=8GB',
  'checkpoint_timeout=15min',
  // Fifty replicas have some hundreds.
  'max_connections=500',
  'shared_preload_libraries=pg_stat_statements',
];
const MARIADB_SETTINGS = [
  '--innodb-flush-log-at-trx-commit=1',
  '--innodb-buffer-pool-size=1G',
  '--innodb-log-file-size=1G',
  '--max-connections=1000',
];

const START: Readonly<Record<ServerName, () => Promise<Server>>> = {
  postgres: () => startPrivatePostgres(POSTGRES_SETTINGS),
  mysql: () => startPrivateMariadb(MARIADB_SETTINGS),
  sqlite: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskbaton-bench-'));
    return { url: folder, close: async () => rmSync(folder, { recursive: true, force: true }) };
  },
  redis: () => startPrivateRedis(),
  'redis-everysec': () => startPrivateRedis(['--appendonly', 'yes', '--appendfsync', 'everysec']),
  'redis-always': () => startPrivateRedis(['--appendonly', 'yes', '--appendfsync', 'always']),
};

export class Servers {
  readonly #started = new Map<ServerName, Promise<Server>>();

  /** Signals don't leave servers behind. */
  constructor() {
    const interrupted = (): void => void this.close().finally(() => process.exit(130));
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  }

  async url(name: ServerName): Promise<string> {
    const starting = this.#started.get(name) ?? START[name]();
    this.#started.set(name, starting);
    return (await starting).url;
  }

  async close(): Promise<void> {
    for (const starting of this.#started.values()) await (await starting).close();
    this.#started.clear();
  }
}
