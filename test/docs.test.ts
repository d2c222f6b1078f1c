/** What the documentation promises: its first example runs as it stands there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { programsOn } from '../scripts/docs/snippets.ts';
import { Taskbaton } from '../src/index.ts';

const LINES = 300;

test('the program in the README imports its file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'taskbaton-readme-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const library = pathToFileURL(join(import.meta.dirname, '..', 'src', 'index.ts')).href;
  const program = programsOn('README.md')[0]?.text ?? '';
  await writeFile(join(folder, 'main.mts'), program.replace("'taskbaton'", `'${library}'`));
  const lines = ['name', ...Array.from({ length: LINES }, (_, index) => `person ${index + 1}`)];
  await writeFile(join(folder, 'people.csv'), `${lines.join('\n')}\n`);

  await promisify(execFile)(process.execPath, ['main.mts'], { cwd: folder });

  const watcher = new Taskbaton({ db: `sqlite:${join(folder, 'tasks.db')}` });
  t.after(() => watcher.stop());
  const { state, group, attempt, context } = await watcher.getTask(1);
  assert.deepEqual(
    { state, group, attempt, context },
    { state: 'finished', group: 'night', attempt: 1, context: { line: LINES + 1 } },
  );
  const people = new DatabaseSync(join(folder, 'people.db'));
  t.after(() => people.close());
  const { count } = people.prepare('SELECT COUNT(*) AS count FROM person').get() as { count: number };
  assert.equal(count, LINES);
});
