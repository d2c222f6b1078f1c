/**
 * The demo plays to its end on every database: three replicas import real data while one is stopped and one is killed,
 * and every row is there once. What can go wrong before it begins is said in a line.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eachBackend } from './backends.ts';
import { runProgram } from './support/program.ts';
import { PseudoTerminal } from './support/pseudo-terminal.ts';

const DEMO = 'examples/demo/main.ts';

eachBackend((backend) => {
  it('the demo imports every row once, whatever happens to tasks and replicas', async (t) => {
    const place = await backend.open();
    t.after(() => place.close());
    const { code, output } = await runProgram(DEMO, ['--db', place.url], { TASKBATON_PREFIX: place.prefix });
    assert.equal(code, 0, output);
    for (const line of [
      /‖ grace pauses task 2/,
      /▸ grace resumes task 2/,
      /→ task 3 moves from group day to night/,
      /× task 5 is gone, and 0 of its rows are left/,
      /■ replica [A-C] is stopped \(SIGTERM\) while it runs tasks? \d/,
      /■ replica [A-C] has ended; handed over: tasks? \d/,
      /† replica [A-C] is killed \(SIGKILL\) while it runs tasks? \d/,
      /† tasks? \d.* resumed elsewhere \d\.\d s after the kill/,
      /✔ 8,750 rows are in the table/,
      /✔ checksum ([0-9a-f]{16}), as of those rows in the file \(\1\)/,
      /✔ no row is there twice/,
      /✔ replica [A-C] was killed; resumed: task \d at row [\d,]+ by [A-E]/,
      /^Dashboard: http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{32}$/m,
      /All checks passed\./,
    ]) {
      assert.match(output, line);
    }
    assert.doesNotMatch(output, /✘/);
    assert.ok(!output.includes('\u001B'), 'without a terminal it writes plain text');
  });
});

it('the demo on a database that does not answer says so and fails', async () => {
  const { code, output } = await runProgram(DEMO, ['--db', 'postgres://nobody@127.0.0.1:1/none']);
  assert.equal(code, 1, output);
  assert.match(output, /✘ The demo failed\. the database does not answer/);
});

it('the demo has no dashboard if it is told so', async () => {
  const { code, output } = await runProgram(DEMO, ['--headless']);
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /Dashboard/);
});

it('in a terminal the dashboard of the demo stays until Ctrl-C, and nothing is left behind', async (context) => {
  const size = { columns: 100, rows: 40 };
  const screen = new PseudoTerminal(['demo'], {}, size, context, 60_000);
  const link = await screen.says(/http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{32}/);
  await screen.says(/All checks passed\.\s+The dashboard shows it all until Ctrl-C\./);
  const opened = await fetch(link, { redirect: 'manual' });
  assert.equal(opened.status, 303);
  screen.press('\u0003');
  assert.equal(await screen.exited, 0);
  await assert.rejects(fetch(link), 'nobody serves it any more');
});

it('the demo refuses options that it does not know', async () => {
  const { code, output } = await runProgram(DEMO, ['--database', 'sqlite:tasks.db']);
  assert.equal(code, 2, output);
  assert.match(output, /Usage: npm run demo/);
});
