/** What is wrong on a command line is said in two lines, with an exit code for programs; help and completion know every command. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { labelOf, secretsOf } from '../../src/cli/configuration.ts';
import { EXIT_ENTRIES, exitOf } from '../../src/cli/exit.ts';
import { COMMON } from '../../src/cli/options.ts';
import type { Option } from '../../src/cli/parameter.ts';
import { type ErrorCode, ERRORS, TaskbatonError } from '../../src/index.ts';
import { runCli } from '../support/cli.ts';

function folderOf(context: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-cli-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe('the table of commands', () => {
  it('an option means the same in all commands: a flag or not, and which letter', () => {
    const seen = new Map<string, Option>(Object.entries(COMMON));
    for (const { name: command, options } of COMMANDS) {
      for (const [name, option] of Object.entries<Option>(options)) {
        const before = seen.get(name) ?? option;
        assert.deepEqual(
          [option.kind === 'flag', option.short, option.choices],
          [before.kind === 'flag', before.short, before.choices],
          `--${name} of ${command}`,
        );
        seen.set(name, option);
      }
    }
    const letters = [...seen.values()].flatMap(({ short }) => (short === undefined ? [] : [short]));
    assert.equal(new Set(letters).size, letters.length, letters.join(' '));
  });

  it('every name is there once, and of two words the first is a command as well', () => {
    const names = COMMANDS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.ok(names.includes(name.split(' ')[0] ?? ''), name);
  });

  it('every example is a line that the table itself understands', async () => {
    const { parseLine, readGiven } = await import('../../src/cli/parse.ts');
    const host = { folder: '/', stdin: process.stdin };
    for (const command of COMMANDS) {
      for (const example of command.examples) {
        const line = example.split(/ [|>] /)[0] ?? '';
        const words = Array.from(
          line.matchAll(/'([^']*)'|(\S+)/g),
          ([, quoted, plain]) => quoted ?? plain ?? '',
        );
        const parsed = parseLine(COMMANDS, words);
        assert.ok(parsed.command !== undefined, example);
        assert.equal(parsed.command.name.split(' ')[0], command.name.split(' ')[0], example);
        await readGiven(parsed.command, parsed, host);
      }
    }
  });
});

describe('exit codes', () => {
  it('are all different, and no error is sorted into two', () => {
    const codes = EXIT_ENTRIES.map(([, { code }]) => code);
    assert.equal(new Set(codes).size, codes.length);
    const errors = EXIT_ENTRIES.flatMap(([, entry]) => entry.errors);
    assert.equal(new Set(errors).size, errors.length);
    for (const code of Object.keys(ERRORS) as ErrorCode[])
      assert.ok(EXIT_ENTRIES.some(([name]) => name === exitOf(new TaskbatonError(code))));
  });

  it('a word that is no command is an error with a hint', async () => {
    const { code, stdout, stderr } = await runCli(['lst']);
    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.equal(stderr, '✘ There is no command "lst"; did you mean list?\n  Run: taskbaton help\n');
  });

  it('options that there are not, values that are none, and words too many are errors', async () => {
    const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [['list', '--grup', 'x'], /There is no option --grup of list; did you mean --group\?/],
      [['list', '--state', 'pausd'], /--state is "pausd": it must be one of .*did you mean paused\?/],
      [['list', '--limit', 'ten'], /--limit is "ten": it must be a whole number/],
      [['list', '--limit'], /--limit needs a value/],
      [['list', '--json=yes'], /--json takes no value/],
      [['list', '--user', 'a', '--user', 'b'], /--user is given 2 times/],
      [['list', 'all'], /"all" is one word too many/],
      [['show'], /ID is missing/],
      [['show', 'seven'], /ID is "seven": it must be the id of a task/],
      [['create', 'x', '--input', '{'], /--input is "\{": it is not JSON/],
      [['create', 'x', '--input', '@none.json'], /the file cannot be read/],
      [['run', '1', '--delay', 'soon'], /--delay is "soon": it must be a time/],
      [['completion', 'cmd'], /SHELL is "cmd": it must be one of bash, zsh, fish/],
    ];
    const ended = await Promise.all(wrong.map(([args]) => runCli(args)));
    for (const [index, { code, stderr }] of ended.entries()) {
      const [args = [], message = /./] = wrong[index] ?? [];
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, message);
      assert.match(stderr, /\n {2}Run: taskbaton help/);
    }
  });

  it('without a database it says how to name one', async (context) => {
    const { code, stderr } = await runCli(['list'], { folder: folderOf(context, {}) });
    assert.equal(code, 2);
    assert.match(stderr, /No database is named/);
    assert.match(stderr, /TASKBATON_DB/);
  });

  it('a file that is not there is said to be missing, and not made', async (context) => {
    const folder = folderOf(context, {});
    for (const command of ['list', 'stats', 'doctor']) {
      const { code, stdout, stderr } = await runCli([command, '--db', 'sqlite:none.db'], { folder });
      assert.equal(code, command === 'doctor' ? 1 : 5);
      assert.match(stdout + stderr, /There is no file none\.db/);
    }
    const { readdirSync } = await import('node:fs');
    assert.deepEqual(readdirSync(folder), []);
  });

  it('a database that does not answer is an error of its own, and no password is told', async () => {
    const url = 'postgres://ada:s3cret%2Fword@127.0.0.1:1/none';
    for (const args of [
      ['list'],
      ['list', '--debug'],
      ['list', '--json'],
      ['doctor'],
      ['list', '--db', url],
    ]) {
      const { code, stdout, stderr } = await runCli(args, { env: { TASKBATON_DB: url } });
      assert.equal(code, args[0] === 'doctor' ? 1 : 5);
      assert.match(stdout + stderr, /does not answer/);
      assert.doesNotMatch(stdout + stderr, /s3cret/);
    }
  });

  it('with --json an error is JSON too', async () => {
    const { code, stderr } = await runCli(['show', 'x', '--json']);
    assert.equal(code, 2);
    const { error } = JSON.parse(stderr) as { error: Record<string, string> };
    assert.equal(error['code'], 'USAGE');
    assert.match(error['message'] ?? '', /ID is "x"/);
    assert.equal(error['remedy'], 'Run: taskbaton help show');
  });

  it('stacks are shown with --debug only', async (context) => {
    const folder = folderOf(context, { 'taskbaton.config.ts': 'throw new Error("no luck");' });
    const plain = await runCli(['list'], { folder });
    assert.match(plain.stderr, /cannot be loaded: no luck/);
    assert.doesNotMatch(plain.stderr, /\n {4}at /);
    const debugged = await runCli(['list', '--debug'], { folder });
    assert.match(debugged.stderr, /\n {4}at /);
    assert.match(debugged.stderr, /caused by Error: no luck/);
  });
});

describe('what is never told', () => {
  it('labels name a place and who connects, and no secret', () => {
    assert.equal(
      labelOf('postgres://ada:secret@db.example:5432/app?sslpassword=x'),
      'postgres://ada@db.example:5432/app',
    );
    assert.equal(labelOf('sqlite:tasks.db'), 'sqlite:tasks.db');
    assert.equal(labelOf({ password: 'secret' }), 'the database of the configuration');
    assert.equal(labelOf('mysql:ada:secret@somewhere'), 'mysql:…');
  });

  it('secrets are known in all ways they may be written', () => {
    assert.deepEqual(secretsOf('mysql://a:p%40ss@h/d?sslkey=k1'), ['p%40ss', 'p@ss', 'k1']);
    assert.deepEqual(secretsOf('sqlite:tasks.db'), []);
  });
});

describe('the configuration', () => {
  const config = `
    interface Place { readonly db: string }
    const place: Place = { db: 'sqlite:from-config.db' };
    export default { ...place, prefix: 'mine_' };
  `;

  it('is TypeScript, found in the folder, and says where the tasks are', async (context) => {
    const folder = folderOf(context, { 'taskbaton.config.ts': config });
    assert.equal((await runCli(['migrate'], { folder })).code, 0);
    const plans = await runCli(['plans', '--for', 'mysql'], { folder });
    assert.match(plans.stdout, /CREATE TABLE mine_task \(/);
    assert.match((await runCli(['doctor'], { folder })).stdout, /sqlite:from-config\.db/);
  });

  it('is outdone by the environment, and that by the command line', async (context) => {
    const folder = folderOf(context, { 'taskbaton.config.ts': config });
    const env = { TASKBATON_DB: 'sqlite:from-environment.db' };
    const { stderr } = await runCli(['list'], { folder, env });
    assert.match(stderr, /There is no file from-environment\.db/);
    const line = await runCli(['list', '--db', 'sqlite:from-line.db'], { folder, env });
    assert.match(line.stderr, /There is no file from-line\.db/);
  });

  it('may be another file, which must be there and export an object with known options', async (context) => {
    const folder = folderOf(context, {
      'other.ts': config,
      'nothing.mjs': 'export const db = 1;',
      'unknown.mjs': "export default { db: 'sqlite::memory:', databse: 1 };",
    });
    assert.match(
      (await runCli(['list', '--config', 'other.ts'], { folder })).stderr,
      /no file from-config\.db/,
    );
    for (const [file, message] of [
      ['none.ts', /there is no file none\.ts/i],
      ['nothing.mjs', /exports undefined by default, not an object/],
      ['unknown.mjs', /option databse is 1: there is no such option/i],
    ] as const) {
      const { code, stderr } = await runCli(['list', '--config', file], { folder });
      assert.equal(code, 2, file);
      assert.match(stderr, message);
    }
  });

  it('says nothing but errors, whatever Node.js thinks of the package that it is in', async (context) => {
    const folder = folderOf(context, { 'taskbaton.config.ts': config, 'package.json': '{}' });
    const { code, stderr } = await runCli(['migrate'], { folder });
    assert.deepEqual([code, stderr], [0, '']);
  });

  it('types that it has check the input of a new task', async (context) => {
    const index = new URL('../../src/index.ts', import.meta.url).href;
    const folder = folderOf(context, {
      'taskbaton.config.ts': `
        import { defineTask, type StandardSchema } from '${index}';
        const input: StandardSchema<{ file: string }> = { '~standard': { version: 1, vendor: 'test',
          validate: (value) => typeof (value as { file?: unknown })?.file === 'string'
            ? { value: value as { file: string } } : { issues: [{ message: 'file is missing' }] } } };
        export default { db: 'sqlite:typed.db', tasks: [defineTask({ type: 'import', input, run: async () => {} })] };
      `,
    });
    await runCli(['migrate'], { folder });
    const refused = await runCli(['create', 'import', '--input', '{}'], { folder });
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /file is missing/);
    const made = await runCli(['create', 'import', '--input', '{"file":"a.csv"}'], { folder });
    assert.equal(made.code, 0, made.stderr);
  });
});

describe('help', () => {
  it('names every command, every option and every exit code', async () => {
    const { code, stdout } = await runCli([]);
    assert.equal(code, 0);
    for (const { name, summary } of COMMANDS)
      assert.ok(stdout.includes(`  ${name}`) && stdout.includes(summary), name);
    for (const [name, { code: number }] of EXIT_ENTRIES)
      assert.ok(stdout.includes(`${number} ${name}`), name);
  });

  it('of a command is the same by help, by --help and by -h', async () => {
    const [first, ...others] = await Promise.all(
      [
        ['help', 'groups', 'pause'],
        ['groups', 'pause', '--help'],
        ['groups', 'pause', '-h'],
      ].map((args) => runCli(args)),
    );
    assert.match(first?.stdout ?? '', /Usage {2}taskbaton groups pause NAME \[OPTIONS\]/);
    for (const { stdout, code } of others) assert.deepEqual([code, stdout], [0, first?.stdout]);
  });

  it('tells the version', async () => {
    const { version } = (await import('../../package.json', { with: { type: 'json' } })).default;
    assert.equal((await runCli(['--version'])).stdout, `${version}\n`);
    assert.deepEqual(JSON.parse((await runCli(['version', '--json'])).stdout), { version });
  });

  it('writes plain text where nobody looks, and where NO_COLOR is set', async () => {
    assert.ok(!(await runCli([])).stdout.includes('\u001B'));
  });
});
