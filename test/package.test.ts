/**
 * What users get when they install the package: the built library and what describes it, no source, no test and no program that
 * runs at its installation; nothing of anybody else's; and it works as it lies, its thread included.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

/** All that may be in it. */
const ALLOWED = [
  /^(package\.json|LICENSE|README(\.zh-CN)?\.md)$/,
  /^dist\/(index|taskbaton)\.(js|d\.ts)(\.map)?$/,
  /^dist\/(core|queue|database|store|runtime|cron|testing|cli|dashboard|telemetry|otel)\/[\w./-]+\.(js|d\.ts)(\.map)?$/,
];

/** What npm would run at an installation from the registry, or of a tarball. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall'];

/** Packed and installed into an empty project, this runs a task, and waits for the thread that renews its lease. */
const PROGRAM = `
  import { defineTask, Taskbaton } from 'taskbaton';
  const task = defineTask({ type: 'packed', run: () => undefined });
  const baton = new Taskbaton({ db: 'sqlite:packed.db', tasks: [task], logger: null });
  const working = new Promise((resolve) => baton.observe(({ name }) => name === 'heartbeat.working' && resolve()));
  await baton.start();
  await baton.taskDone(await baton.createTask(task, undefined));
  await working;
  await baton.stop();
  console.log('done');
`;

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

function pack(...options: readonly string[]): Packed {
  const output = npm(ROOT, 'pack', '--json', '--ignore-scripts', ...options);
  return (JSON.parse(output) as readonly [Packed])[0];
}

function npm(folder: string, ...args: readonly string[]): string {
  return execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

describe('the package', () => {
  it('has in it what is on the list, and nothing else', () => {
    const paths = pack('--dry-run').files.map(({ path }) => path);
    assert.ok(paths.length > 50);
    assert.deepEqual(
      paths.filter((path) => !ALLOWED.some((pattern) => pattern.test(path))),
      [],
    );
  });

  it('runs nothing when it is installed, and depends on nothing', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      readonly scripts: object;
      readonly dependencies?: object;
      readonly optionalDependencies?: object;
    };
    assert.deepEqual(
      INSTALL_SCRIPTS.filter((script) => script in manifest.scripts),
      [],
    );
    assert.deepEqual([manifest.dependencies, manifest.optionalDependencies], [undefined, undefined]);
  });

  it('works as it is installed from its tarball, where not even “prepare” is run', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'taskbaton-package-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const { filename } = pack('--pack-destination', folder);
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    // Scripts are allowed here: had it any, “prepare” would find no compiler and fail.
    npm(folder, 'install', '--offline', '--no-audit', '--omit=peer', join(folder, filename));
    const installed = join(folder, 'node_modules', 'taskbaton');
    assert.ok(!existsSync(join(installed, 'src')) && existsSync(join(installed, 'dist', 'index.js')));
    assert.deepEqual(
      npm(folder, 'ls', '--all', '--parseable').trim().split('\n').slice(1),
      [installed],
      'nothing else was installed',
    );
    writeFileSync(join(folder, 'program.js'), PROGRAM);
    const args = ['--disable-warning=ExperimentalWarning', 'program.js'];
    const output = execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 30_000 });
    assert.equal(output, 'done\n');
  });
});
