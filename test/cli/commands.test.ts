/** Commands do what they say, on every database, and tell programs how it went. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { defineTask, type Task } from '../../src/index.ts';
import { eachBackend } from '../backends.ts';
import { CliBench, cliProcess, runCli } from '../support/cli.ts';

const nothing = defineTask({ type: 'nothing', run: async () => undefined });

/** Runs until it is told to stop. */
const endless = defineTask({
  type: 'endless',
  async run({ signal, report }) {
    await report({ progress: 0.25, context: { row: 25 }, message: 'a quarter' });
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  },
});

const broken = defineTask({
  type: 'broken',
  async run() {
    throw new Error('line 7 is \u001B[31mno row');
  },
});

eachBackend((backend) => {
  it('plans shows what migrate does, and does nothing', async (context) => {
    const bench = await CliBench.open(backend, context, { tables: false });
    const plans = await bench.json<{ from: number; to: number; statements: string[] }>('plans');
    assert.equal(plans.from, 0);
    assert.ok(
      plans.statements.some((statement) => statement.startsWith(`CREATE TABLE ${bench.place.prefix}task (`)),
    );
    const before = await bench.run('list');
    assert.ok([5, 6].includes(before.code ?? 0), 'there are still no tables');
    assert.match(before.stderr, /taskbaton migrate/);
    assert.deepEqual(await bench.json('migrate'), { from: 0, to: plans.to });
    assert.deepEqual(await bench.json('migrate'), { from: plans.to, to: plans.to });
    assert.deepEqual((await bench.json<{ statements: string[] }>('plans')).statements, []);
    assert.equal((await bench.run('list')).code, 0);
  });

  it('a task is created, shown, listed, paused, moved, run and deleted', async (context) => {
    const bench = await CliBench.open(backend, context);
    const created = await bench.run(
      'create',
      'import',
      '--input',
      '{"file":"ä.csv"}',
      '-u',
      'ada',
      '-g',
      'day',
    );
    assert.equal(created.code, 0, created.stderr);
    const id = Number(created.stdout);
    const shown = await bench.json<Task>('show', `${id}`);
    assert.deepEqual([shown.type, shown.user, shown.group, shown.state], ['import', 'ada', 'day', 'pending']);
    assert.deepEqual(shown.input, { file: 'ä.csv' });
    assert.deepEqual(await bench.json('pause', `${id}`), { changed: 1, state: 'paused' });
    assert.deepEqual(await bench.json('move', `${id}`, '--to', 'night'), { changed: 1, state: 'paused' });
    const { rows } = await bench.run('list', '--group', 'night');
    assert.deepEqual(rows[0]?.slice(0, 6), ['id', 'type', 'state', 'progress', 'user', 'group']);
    assert.deepEqual(rows[1]?.slice(0, 6), [`${id}`, 'import', 'paused', '', 'ada', 'night']);
    assert.deepEqual(await bench.json('run', `${id}`), { changed: 1, state: 'pending' });
    assert.deepEqual(await bench.json('delete', `${id}`), { changed: 1, state: 'deleting' });
    assert.deepEqual((await bench.json<{ tasks: Task[] }>('list')).tasks, []);
    assert.equal((await bench.json<{ tasks: Task[] }>('list', '--deleting')).tasks.length, 1);
  });

  it('a list goes on where the one before ended, and shows payloads only if it is asked to', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance();
    const ids = await baton.createTasks(
      Array.from({ length: 5 }, () => ({ task: nothing, input: 'secret' })),
    );
    const first = await bench.json<{ tasks: Task[]; next: number }>('list', '--limit', '3');
    assert.deepEqual(
      first.tasks.map(({ id }) => id),
      ids.toReversed().slice(0, 3),
    );
    assert.equal(JSON.stringify(first).includes('secret'), false);
    const rest = await bench.json<{ tasks: Task[]; next: null }>(
      'list',
      '--after',
      `${first.next}`,
      '--payload',
    );
    assert.deepEqual(
      rest.tasks.map(({ id, input }) => [id, input]),
      ids
        .slice(0, 2)
        .toReversed()
        .map((id) => [id, 'secret']),
    );
    assert.equal(rest.next, null);
  });

  it('input comes from a file or from the standard input as well', async (context) => {
    const bench = await CliBench.open(backend, context);
    const piped = await runCli(['create', 'import', '--input', '-'], { env: bench.env, input: '[1,"二"]' });
    assert.equal(piped.code, 0, piped.stderr);
    assert.deepEqual((await bench.json<Task>('show', piped.stdout.trim())).input, [1, '二']);
    const file = await runCli(['create', 'import', '--input', '@../../tsconfig.build.json'], {
      env: bench.env,
    });
    assert.equal(file.code, 0, file.stderr);
    assert.equal(
      (await bench.json<Task<{ extends: string }>>('show', file.stdout.trim())).input.extends,
      './tsconfig.json',
    );
  });

  it('what is not there and what makes no sense have exit codes of their own', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance({ tasks: [nothing] });
    const id = await baton.createTask(nothing, undefined);
    await baton.start();
    await baton.taskDone(id);
    for (const [args, code] of [
      [['show', '999999'], 3],
      [['pause', '999999'], 3],
      [['schedules', 'trigger', 'none'], 3],
      [['pause', `${id}`], 4],
      [['run', `${id}`], 4],
      [['pause', `${id}`, '999999'], 4],
      [['create', 'x', '--priority', '1000001'], 2],
      [['create', 'x', '--no-run', '--delay', '1h'], 2],
      [['move', `${id}`], 2],
    ] as const) {
      const ended = await bench.run(...args);
      assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`);
    }
  });

  it('many tasks are changed only if that is confirmed, and it is said how many they would be', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance();
    const item = { task: nothing, group: 'day', user: 'ada' };
    await baton.createTasks([item, item, { ...item, group: 'night' }, { ...item, autoRun: false }]);
    const refused = await bench.run('pause', '--group', 'day');
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /Pause: 3 tasks \((1 init, 2 pending|2 pending, 1 init)\)\. Go on\? Nobody is there to answer/,
    );
    assert.match(refused.stderr, /Say --yes if it is meant/);
    assert.equal((await baton.getTasks({ states: ['paused'] })).tasks.length, 0, 'nothing was changed');
    assert.deepEqual(await bench.json('pause', '--group', 'day', '--yes'), { changed: 3 });
    const none = await bench.run('pause', '--group', 'day');
    assert.deepEqual([none.code, none.stdout], [0, 'No task would be changed.\n']);
    assert.match(
      (await bench.run('move', '--user', 'ada', '--to', 'night')).stderr,
      /Move to night: 3 tasks \(3 paused\)/,
    );
    assert.match((await bench.run('delete', '--all')).stderr, /Delete: 4 tasks/);
    assert.deepEqual(await bench.json('run', '--state', 'paused', '-y'), { changed: 3 });
    for (const args of [['pause'], ['pause', '1', '--all'], ['pause', '--all', '--children']])
      assert.equal((await bench.run(...args)).code, 2, args.join(' '));
  });

  it('pause --wait ends when what was running has really stopped', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance({ tasks: [endless] });
    const id = await baton.createTask(endless, undefined, { group: 'day' });
    await baton.start();
    for await (const { progress } of baton.watchTask(id)) if (progress === 0.25) break;
    assert.deepEqual(await bench.json('pause', '--group', 'day', '--wait', '--yes'), { changed: 1 });
    const task = await baton.getTask(id);
    assert.deepEqual([task.state, task.context], ['paused', { row: 25 }]);
  });

  it('groups, users and types are counted, paused and resumed as a whole', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance();
    await baton.createTasks([
      { task: nothing, user: 'ada', group: 'day' },
      { task: nothing, user: 'ada', group: '夜' },
    ]);
    for (const [command, name] of [
      ['groups', '夜'],
      ['users', 'ada'],
      ['types', 'nothing'],
    ] as const) {
      const ended = await bench.run(command, 'pause', name);
      assert.equal(ended.code, 0, ended.stderr);
      type Scopes = Readonly<Record<string, readonly { name: string; paused: boolean; states: object }[]>>;
      const paused = (await bench.json<Scopes>(command))[command]?.find((scope) => scope.name === name);
      assert.equal(paused?.paused, true);
      assert.deepEqual(paused.states, { pending: name === '夜' ? 1 : 2 });
      const { rows } = await bench.run(command);
      assert.equal(rows[0]?.at(-1), 'paused');
      assert.equal(rows.find(([first]) => first === name)?.at(-1), 'true');
      assert.equal((await bench.run(command, 'resume', name)).code, 0);
      assert.equal(
        (await bench.json<Scopes>(command))[command]?.find((scope) => scope.name === name)?.paused,
        false,
      );
    }
  });

  it('limits are set, shown and taken back', async (context) => {
    const bench = await CliBench.open(backend, context);
    assert.equal((await bench.run('limits', 'set', 'group', 'day', '--to', '4')).code, 0);
    assert.equal((await bench.run('limits', 'set', 'user/group', 'ada', 'day', '--to', '1')).code, 0);
    assert.equal((await bench.run('limits', 'set', 'user/group', 'ada', '--to', '1')).code, 2);
    const { limits } = await bench.json<{ limits: { kind: string; name: unknown; limit: number }[] }>(
      'limits',
    );
    assert.deepEqual(
      limits.toSorted((one, other) => one.limit - other.limit),
      [
        { kind: 'user/group', name: ['ada', 'day'], limit: 1 },
        { kind: 'group', name: 'day', limit: 4 },
      ],
    );
    assert.equal((await bench.run('limits', 'remove', 'group', 'day')).code, 0);
    assert.equal((await bench.json<{ limits: object[] }>('limits')).limits.length, 1);
  });

  it('schedules are shown and steered', async (context) => {
    const bench = await CliBench.open(backend, context);
    const { Schedules } = await import('../../src/cron/index.ts');
    await new Schedules(bench.instance()).set('nightly', {
      task: nothing,
      cron: '0 3 * * *',
      zone: 'Europe/Berlin',
    });
    const { schedules } = await bench.json<{ schedules: { name: string; cron: string }[] }>('schedules');
    assert.deepEqual(
      schedules.map(({ name, cron }) => [name, cron]),
      [['nightly', '0 3 * * *']],
    );
    const { task } = await bench.json<{ task: number }>('schedules', 'trigger', 'nightly');
    assert.equal((await bench.json<Task>('show', `${task}`)).type, 'nothing');
    await bench.json('schedules', 'pause', 'nightly');
    assert.equal((await bench.run('schedules')).rows[1]?.at(-1), 'true');
    await bench.json('schedules', 'resume', 'nightly');
    await bench.json('schedules', 'delete', 'nightly');
    assert.equal((await bench.run('schedules', 'delete', 'nightly')).code, 3);
  });

  it('replicas and statistics tell who is alive, what it does, and what waits', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance({ tasks: [endless], concurrency: 2 });
    const [id] = await baton.createTasks([
      { task: endless, group: 'day' },
      { task: nothing, group: 'day' },
    ]);
    await baton.start();
    for await (const { progress } of baton.watchTask(id!)) if (progress === 0.25) break;
    const { replicas } = await bench.json<{ replicas: { id: string; running: { id: number }[] }[] }>(
      'replicas',
    );
    assert.deepEqual(
      replicas.map((replica) => [replica.id, replica.running.map((task) => task.id)]),
      [[baton.replicaId, [id]]],
    );
    const { rows } = await bench.run('replicas');
    assert.deepEqual(rows[1]?.slice(1, 3), [baton.replicaId, '1/2']);
    const stats = await bench.json<Record<string, unknown>>('stats');
    assert.deepEqual(
      [stats['tasks'], stats['states'], stats['slots']],
      [2, { pending: 1, running: 1 }, { used: 1, total: 2 }],
    );
    assert.equal(typeof stats['oldestWaiting'], 'number');
    assert.equal((await bench.run('stats')).code, 0);
  });

  it('a replica is drained by its name or the beginning of its id, and takes tasks again', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance({ tasks: [endless] });
    const id = await baton.createTask(endless, undefined);
    await baton.start();
    for await (const { progress } of baton.watchTask(id)) if (progress === 0.25) break;
    const replica = baton.replicaId!;
    assert.deepEqual(await bench.json('drain', replica.slice(0, 12), '--wait'), {
      replica,
      draining: true,
      running: 0,
    });
    const { rows } = await bench.run('replicas');
    assert.deepEqual([rows[0]?.at(-1), rows[1]?.at(-1)], ['draining', 'true']);
    const name = rows[1]?.[0] ?? '';
    assert.deepEqual(await bench.json('drain', name, '--undo'), { replica, draining: false });
    for await (const task of baton.watchTask(id)) if (task.replica === replica) break;
    assert.equal((await bench.run('drain', 'nobody')).code, 3);
    assert.equal((await bench.run('drain', name, '--undo', '--wait')).code, 2);
  });

  it('doctor finds what is wrong and says what to do about it', async (context) => {
    const bench = await CliBench.open(backend, context);
    interface Diagnosis {
      readonly healthy: boolean;
      readonly findings: readonly { check: string; verdict: string; text: string; advice?: string }[];
    }
    const baton = bench.instance({ tasks: [broken] });
    const id = await baton.createTask(broken, undefined);
    await baton.start();
    await assert.rejects(baton.taskDone(id));
    const { healthy, findings } = await bench.json<Diagnosis>('doctor');
    assert.equal(healthy, true);
    const found = (check: string): Diagnosis['findings'][number] | undefined =>
      findings.find((one) => one.check === check);
    for (const check of ['node', 'connection', 'clock', 'tables', 'replicas', 'leases', 'types', 'cleanups'])
      assert.equal(found(check)?.verdict, 'good', check);
    assert.equal(found('failures')?.verdict, 'warning');
    assert.match(found('failures')?.text ?? '', new RegExp(`1 task has failed: ${id}`));
    assert.ok(findings.every(({ verdict, advice }) => (verdict === 'good') === (advice === undefined)));
    await baton.createTask({ type: 'unknown' }, undefined);
    const ended = await bench.run('doctor');
    assert.equal(ended.code, 1);
    assert.match(
      ended.stdout,
      /error\ttypes\t1 task waits of type unknown, which no live replica knows\.\tDeploy a replica/,
    );
  });

  it('doctor knows since when a task has been asked to stop', async (context) => {
    const bench = await CliBench.open(backend, context);
    const released = Promise.withResolvers<void>();
    const stubborn = defineTask({
      type: 'stubborn',
      async run({ report }) {
        await report({ progress: 0.5 });
        await released.promise;
      },
    });
    const baton = bench.instance({ tasks: [stubborn] });
    const id = await baton.createTask(stubborn, undefined);
    await baton.start();
    for await (const { progress } of baton.watchTask(id)) if (progress === 0.5) break;
    await baton.pauseTask(id);
    const patient = await bench.run('doctor');
    assert.equal(patient.code, 0, patient.stdout);
    assert.match(
      patient.stdout,
      new RegExp(`good\\tstopping\\t1 task is being stopped: ${id} \\(asked .* ago\\)`),
    );
    const folder = mkdtempSync(join(tmpdir(), 'taskbaton-cli-'));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'taskbaton.config.ts'), 'export default { stopGrace: 0 };');
    const strict = await runCli(['doctor'], { env: bench.env, folder });
    assert.equal(strict.code, 1);
    assert.match(strict.stdout, /error\tstopping\t1 task has not stopped within 0s/);
    released.resolve();
  });

  it('the history of a task tells who changed it and why, and is followed as it grows', async (context) => {
    const bench = await CliBench.open(backend, context);
    const { id } = await bench.json<{ id: number }>('create', 'nothing', '--reason', 'a try');
    await bench.json('pause', `${id}`, '--reason', 'not now');
    const child = cliProcess(['history', `${id}`, '--follow', '--json'], { env: bench.env });
    context.after(() => child.kill('SIGKILL'));
    const followed = createInterface({ input: child.stdout! });
    const seen: { event: string; actor: string; reason: string }[] = [];
    for await (const line of followed) {
      seen.push(JSON.parse(line) as (typeof seen)[number]);
      if (seen.length === 2) await bench.json('run', `${id}`, '--reason', 'now');
      if (seen.length === 3) break;
    }
    const told = seen.map(({ event, actor, reason }) => [event, actor.startsWith('cli:'), reason]);
    assert.deepEqual(told, [
      ['create', true, 'a try'],
      ['pause', true, 'not now'],
      ['run', true, 'now'],
    ]);
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    type Page = { entries: { event: string }[]; next: string };
    const first = await bench.json<Page>('history', `${id}`, '--limit', '1');
    const rest = await bench.json<Page>('history', `${id}`, '--since', first.next);
    assert.deepEqual(
      [...first.entries, ...rest.entries].map(({ event }) => event),
      ['create', 'pause', 'run'],
    );
    assert.equal((await bench.run('history', `${id}`)).rows.length, 4);
  });

  it('doctor without tables says so, and looks no further', async (context) => {
    const bench = await CliBench.open(backend, context, { tables: false });
    // Of SQLite the file isn't even there.
    const { code, stdout } = await bench.run('doctor');
    assert.equal(code, 1);
    assert.match(stdout, /taskbaton migrate/);
    assert.doesNotMatch(stdout, /replicas/);
  });

  it('texts of tasks cannot steer a terminal, and are told unchanged to programs', async (context) => {
    const bench = await CliBench.open(backend, context);
    const hostile = 'a\u001B[31mb\u009B1m\tc';
    const id = await bench.instance().createTask(nothing, { hostile }, { user: hostile });
    for (const args of [
      ['list'],
      ['show', `${id}`],
      ['users'],
      ['list', '--json'],
      ['show', `${id}`, '--json'],
    ]) {
      const { stdout } = await bench.run(...args);
      assert.doesNotMatch(stdout.replaceAll(/[\n\t]/g, ''), /\p{Cc}/u, args.join(' '));
    }
    assert.equal((await bench.json<Task>('show', `${id}`)).user, hostile);
  });

  it('watch of a task tells its changes and ends with it', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance({ tasks: [nothing, broken] });
    const [good, bad] = [
      await baton.createTask(nothing, undefined),
      await baton.createTask(broken, undefined),
    ];
    const watches = Promise.all([
      bench.run('watch', `${good}`),
      bench.run('watch', `${bad}`, '--json'),
      bench.run('watch', '999999'),
    ]);
    await baton.start();
    const [finished, failed, missing] = await watches;
    assert.deepEqual([finished.code, failed.code, missing.code], [0, 1, 3]);
    assert.deepEqual(finished.rows.at(-1)?.slice(1, 4), [`${good}`, 'nothing', 'finished']);
    const last = JSON.parse(failed.stdout.trim().split('\n').at(-1) ?? '') as { id: number; state: string };
    assert.deepEqual([last.id, last.state], [bad, 'failed']);
  });

  it('watch of many prints a line for each change, until it is ended by a signal', async (context) => {
    const bench = await CliBench.open(backend, context);
    const baton = bench.instance();
    const id = await baton.createTask(nothing, undefined, { group: 'day' });
    const child = cliProcess(['watch', '--group', 'day', '--interval', '100ms'], { env: bench.env });
    context.after(() => child.kill('SIGKILL'));
    const lines: string[] = [];
    const said = async (pattern: RegExp): Promise<void> => {
      while (!lines.some((line) => pattern.test(line)))
        await new Promise((resolve) => child.stdout?.once('data', resolve));
    };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => void lines.push(...text.split('\n')));
    await said(new RegExp(`\\t${id}\\tnothing\\tpending\\t`));
    await baton.pauseTask(id);
    await said(new RegExp(`\\t${id}\\tnothing\\tpaused\\t`));
    await baton.deleteTask(id);
    await said(new RegExp(`\\t${id}\\t\\tgone\\t`));
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  });
});
