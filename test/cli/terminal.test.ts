/** In a terminal: pictures that fit it, keys, questions before what cannot be undone, and a terminal that is left as it was. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { widthOf } from '../../src/cli/screen/width.ts';
import { defineTask, type Taskbaton } from '../../src/index.ts';
import { eachBackend, type Backend } from '../backends.ts';
import { CliBench } from '../support/cli.ts';
import { PseudoTerminal, type Size } from '../support/pseudo-terminal.ts';

const SMALL: Size = { columns: 80, rows: 24 };
const LARGE: Size = { columns: 120, rows: 40 };
const LEFT = '\u001B[?1049l';
const SHOWN = '\u001B[?25h';

const idle = defineTask({ type: 'idle', run: async () => undefined });

/** Is half done, and stays so until it is told to stop. */
const half = defineTask({
  type: 'half-画像',
  async run({ signal, report }) {
    await report({ progress: 0.5, message: 'half' });
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  },
});

async function openBench(backend: Backend, context: TestContext): Promise<CliBench> {
  return CliBench.open(backend, context);
}

/** A replica with a task that is half done. */
async function startHalf(bench: CliBench): Promise<{ readonly baton: Taskbaton; readonly id: number }> {
  const baton = bench.instance({ tasks: [half] });
  const id = await baton.createTask(half, undefined, { user: '李小龙', group: '夜间' });
  await baton.start();
  for await (const { progress } of baton.watchTask(id)) if (progress === 0.5) break;
  return { baton, id };
}

function assertFits(picture: readonly string[], { columns, rows }: Size): void {
  assert.ok(picture.length <= rows, `${picture.length} lines`);
  for (const line of picture) assert.ok(widthOf(line) <= columns, line);
}

eachBackend((backend) => {
  const terminal = (
    bench: CliBench,
    context: TestContext,
    args: readonly string[],
    size = SMALL,
    env = {},
  ): PseudoTerminal => new PseudoTerminal(args, { ...bench.env, ...env }, size, context);

  it('a list is a table with bars and colours, as wide as the terminal', async (context) => {
    const bench = await openBench(backend, context);
    const { id } = await startHalf(bench);
    for (const size of [SMALL, LARGE]) {
      const screen = terminal(bench, context, ['list'], size);
      assert.equal(await screen.exited, 0);
      const line = screen.text.split('\n').find((text) => text.includes('half-画像')) ?? '';
      assert.match(line, new RegExp(`^ ?${id} {2}half-画像 {2}● running {2}━+╸?─+ {2}50% {2}李小龙 {2}夜间`));
      assert.ok(screen.output.includes('\u001B[36m● running\u001B[39m'));
      assertFits(screen.text.split('\n'), { ...size, rows: Infinity });
    }
    const plain = terminal(bench, context, ['list'], SMALL, { NO_COLOR: '1' });
    assert.equal(await plain.exited, 0);
    assert.ok(!plain.output.includes('\u001B'));
  });

  it('a change of many tasks is asked about, and only a yes is a yes', async (context) => {
    const bench = await openBench(backend, context);
    const baton = bench.instance();
    await baton.createTasks([{ task: idle }, { task: idle }]);
    for (const [answer, code] of [
      ['n\r', 130],
      ['\r', 130],
      ['yeah\r', 130],
      ['\u0003', 130],
      ['\u0004', 130],
      ['y\r', 0],
    ] as const) {
      const screen = terminal(bench, context, ['pause', '--all']);
      await screen.says(/Pause: 2 tasks \(2 pending\)\. Go on\? \[y\/N\] /);
      screen.press(answer);
      assert.equal(await screen.exited, code, JSON.stringify(answer));
      const { tasks } = await baton.getTasks({ states: ['paused'] });
      assert.equal(tasks.length, code === 0 ? 2 : 0, JSON.stringify(answer));
    }
  });

  it('watch shows replicas and tasks, obeys keys, and leaves the terminal as it was', async (context) => {
    const bench = await openBench(backend, context);
    const { baton, id } = await startHalf(bench);
    const screen = terminal(bench, context, ['watch', '--interval', '200ms']);
    await screen.shows(new RegExp(`▸ +${id} {2}half-画像 {2}● running +━+╸?─+ +50%`));
    await screen.shows(/━╸────── 1\/5/);
    assertFits(screen.picture, SMALL);
    screen.press('p');
    await screen.shows(new RegExp(`▸ +${id} {2}half-画像 {2}‖ paused`));
    screen.press('\r');
    await screen.shows(new RegExp(`Task ${id} {2}half-画像 {2}‖ paused`));
    screen.press('\r');
    await screen.shows(/▸/);
    screen.press('d');
    await screen.shows(new RegExp(`Delete task ${id}\\? y/n`));
    screen.press('n');
    await screen.shows(/q quit/);
    assert.equal((await baton.getTask(id)).state, 'paused');
    screen.press('dy');
    await screen.shows(/† gone|no task fits/);
    screen.press('q');
    assert.equal(await screen.exited, 0);
    assert.ok(screen.output.lastIndexOf(LEFT) > screen.output.lastIndexOf('▸'));
    assert.ok(screen.output.includes(SHOWN));
  });

  it('watch is drawn anew when the terminal changes its size', async (context) => {
    const bench = await openBench(backend, context);
    await startHalf(bench);
    const screen = terminal(bench, context, ['watch', '--interval', '60s']);
    await screen.shows(/● running/);
    const before = screen.picture.find((line) => line.includes('● live')) ?? '';
    screen.resize(LARGE);
    await screen.until('a wider picture', () => {
      const line = screen.picture.find((text) => text.includes('● live')) ?? '';
      return widthOf(line) === widthOf(before) + LARGE.columns - SMALL.columns;
    });
    assertFits(screen.picture, LARGE);
    screen.resize({ columns: 40, rows: 12 });
    await screen.until('a smaller picture', () => screen.picture.length <= 12);
    assertFits(screen.picture, { columns: 40, rows: 12 });
    screen.press('\u0003');
    assert.equal(await screen.exited, 0);
  });

  it('watch restores the terminal when a signal ends it', async (context) => {
    const bench = await openBench(backend, context);
    await startHalf(bench);
    const screen = terminal(bench, context, ['watch']);
    await screen.shows(/● running/);
    process.kill(screen.pid, 'SIGTERM');
    assert.equal(await screen.exited, 0);
    assert.ok(screen.output.indexOf(LEFT) > screen.output.lastIndexOf('▸'));
  });

  it('watch tells of a task that finishes, and of a replica that goes', async (context) => {
    const bench = await openBench(backend, context);
    const { baton } = await startHalf(bench);
    const other = bench.instance({ tasks: [idle] });
    const id = await other.createTask(idle, undefined);
    const screen = terminal(bench, context, ['watch', '--interval', '100ms']);
    await screen.shows(new RegExp(`${id} {2}idle +◌ pending`));
    await other.start();
    await screen.shows(new RegExp(`${id} {2}idle +✔ finished`));
    await baton.stop();
    await screen.shows(/† gone/);
    screen.press('q');
    assert.equal(await screen.exited, 0);
  });

  it('watch of one task ends with it, and leaves what it came to on the screen', async (context) => {
    const bench = await openBench(backend, context);
    const baton = bench.instance({ tasks: [idle] });
    const id = await baton.createTask(idle, undefined);
    const screen = terminal(bench, context, ['watch', `${id}`, '--interval', '100ms']);
    await screen.shows(new RegExp(`Task ${id} {2}idle {2}◌ pending`));
    await baton.start();
    assert.equal(await screen.exited, 0);
    assert.match(
      screen.text.slice(screen.text.lastIndexOf('Task')),
      new RegExp(`Task ${id} {2}idle {2}✔ finished`),
    );
    assert.ok(screen.output.lastIndexOf('✔ finished') > screen.output.indexOf(LEFT));
  });
});
