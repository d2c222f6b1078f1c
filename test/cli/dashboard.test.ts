/** The dashboard that the command line serves lets in whoever opens its link, once, and nobody else. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it, type TestContext } from 'node:test';
import { eachBackend } from '../backends.ts';
import { CliBench, cliProcess, runCli } from '../support/cli.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** Unlike fetch it sends any header it is given, as a forger would. */
function ask(url: string, headers: Readonly<Record<string, string>> = {}, post?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = post === undefined ? 'GET' : 'POST';
    const message = request(url, { headers, method, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => void (text += part));
      response.once('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
    });
    message.once('error', reject).end(post === undefined ? undefined : JSON.stringify(post));
  });
}

interface Served {
  readonly link: string;
  readonly root: string;
  /** Ends it by a signal; resolves to its exit code. */
  readonly end: () => Promise<number | null>;
}

async function serve(bench: CliBench, context: TestContext): Promise<Served> {
  const child = cliProcess(['dashboard'], { env: bench.env });
  context.after(() => child.kill('SIGKILL'));
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const link = await new Promise<string>((resolve) =>
    createInterface({ input: child.stdout! }).once('line', resolve),
  );
  const end = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return exit;
  };
  return { link, root: `${new URL(link).origin}/`, end };
}

async function enter(link: string): Promise<string> {
  const { status, headers } = await ask(link);
  assert.equal(status, 303);
  assert.equal(headers['location'], '/');
  const [cookie = ''] = headers['set-cookie'] ?? [];
  assert.match(cookie, /; HttpOnly; SameSite=Strict$/);
  return cookie.split(';')[0] ?? '';
}

eachBackend((backend) => {
  it('the link is exchanged for a cookie, once, and without that cookie nothing is told', async (context) => {
    const bench = await CliBench.open(backend, context);
    const { link, root, end } = await serve(bench, context);
    assert.match(link, /^http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{32}$/);
    for (const path of ['', 'api/session', 'api/tasks', 'api/events', 'metrics'])
      assert.equal((await ask(root + path)).status, 401, path);
    assert.equal((await ask(link.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).status, 403);
    const cookie = await enter(link);
    assert.equal((await ask(link)).status, 403, 'a second time it is worth nothing');
    assert.equal((await ask(`${root}api/session`, { cookie: `${cookie}x` })).status, 401);
    const session = await ask(`${root}api/session`, { cookie });
    assert.equal(session.status, 200);
    assert.match((JSON.parse(session.text) as { user: string }).user, /^cli:/);
    assert.equal(await end(), 0);
  });

  it('another name of this machine, or another site, opens nothing even with the cookie', async (context) => {
    const bench = await CliBench.open(backend, context);
    const id = await bench.instance().createTask({ type: 'nothing' }, undefined);
    const { link, root, end } = await serve(bench, context);
    const cookie = await enter(link);
    const { port } = new URL(root);
    assert.equal((await ask(`${root}api/session`, { cookie, host: `evil.example:${port}` })).status, 403);
    const json = { cookie, 'content-type': 'application/json' };
    const pause = `${root}api/tasks/${id}/pause`;
    assert.equal((await ask(pause, { ...json, origin: 'http://evil.example' }, {})).status, 403);
    const done = await ask(pause, { ...json, origin: root.slice(0, -1) }, {});
    assert.equal(done.status, 200, done.text);
    assert.equal((await bench.json<{ state: string }>('show', `${id}`)).state, 'paused');
    assert.equal(await end(), 0);
  });

  it('it ends at once although somebody follows its events', async (context) => {
    const bench = await CliBench.open(backend, context);
    const { link, root, end } = await serve(bench, context);
    const cookie = await enter(link);
    const open = new Promise<void>((resolve) => {
      const message = request(`${root}api/events`, { headers: { cookie }, agent: false }, (response) => {
        response.once('data', () => resolve()).on('error', () => undefined);
      });
      message.on('error', () => undefined).end();
    });
    await open;
    assert.equal(await end(), 0);
  });
});

it('a port that is taken, and a number that is none, are errors', async (context) => {
  const { createServer } = await import('node:net');
  const taken = createServer().listen(0, '127.0.0.1');
  context.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const folder = mkdtempSync(join(tmpdir(), 'taskbaton-cli-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const env = { TASKBATON_DB: 'sqlite:tasks.db' };
  await runCli(['migrate'], { env, folder });
  assert.equal((await runCli(['dashboard', '--port', '70000'], { env, folder })).code, 2);
  const { code, stderr } = await runCli(['dashboard', '--port', `${port}`], { env, folder });
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`Port ${port} cannot be used`));
});
