/** The command that shows what all this is about: the demo, as a program of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, command } from '../command.ts';
import { EXIT_ENTRIES } from '../exit.ts';

/** In our sources it is an example; what is built lies beside us. */
const PROGRAM =
  extname(import.meta.filename) === '.ts' ? '../../../examples/demo/main.ts' : '../../examples/demo/main.js';

export const demo: Command = command({
  name: 'demo',
  section: 'Start',
  summary: 'Plays a service of three replicas, one of which is killed, and opens its dashboard.',
  about:
    'On a SQLite file of its own, or in tables of its own in the database that --db names; nothing of it stays behind. It takes half a minute. In a terminal the dashboard stays until Ctrl-C.',
  arguments: {},
  options: { headless: { kind: 'flag', about: 'Without a dashboard; end when the play is over.' } },
  examples: ['demo', 'demo --db postgres://localhost/test --headless'],
  async run({ headless }, session) {
    const db = session.given('db');
    const args = [...(db === undefined ? [] : ['--db', db]), ...(headless === true ? ['--headless'] : [])];
    const { execPath, execArgv, environment } = session.host;
    // Only what is named on the command line is played on: not the database that the environment names for work.
    const { TASKBATON_DB: _db, TASKBATON_PREFIX: _prefix, ...env } = environment;
    const program = fileURLToPath(new URL(PROGRAM, import.meta.url));
    const child = spawn(execPath, [...execArgv, program, ...args], { stdio: 'inherit', env });
    // Ctrl-C reaches the demo too; it is the demo that decides what becomes of it.
    const off = session.host.onSignal((signal) => signal !== 'SIGINT' && child.kill(signal));
    const [code] = (await once(child, 'exit')) as [number | null];
    off();
    const exit = EXIT_ENTRIES.find(([, entry]) => entry.code === code)?.[0] ?? 'failure';
    return { json: undefined, show: () => [], exit };
  },
});
