/** Streams of events: what changes is told as it changes, resumed where one left off, and read once for all. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Visitor } from '../../src/dashboard/access.ts';
import { defineTask } from '../../src/index.ts';
import { internalsOf } from '../../src/runtime/internals.ts';
import { eachBackend } from '../backends.ts';
import { gate, reaches, until } from '../support/system.ts';
import { ADA, ADMIN, type Ask, asVisitor, type Desk, HOST, openDesk, waiting } from './desk.ts';

interface Message {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Listener {
  readonly messages: readonly Message[];
  /** The first message of this name, from the past or the future, that fits. */
  next(event: string, fits?: (data: Message['data']) => boolean): Promise<Message>;
  close(): Promise<void>;
  readonly ended: Promise<void>;
}

eachBackend((backend) => {
  it('changes, progress and ends are told as they happen, on whichever replica', async (t) => {
    const desk = await openDesk(backend, t);
    const goOn = gate();
    const stepping = defineTask({
      type: 'stepping',
      async *run() {
        yield { progress: 0.25 };
        await goOn.opened;
        yield { progress: 0.75 };
      },
    });
    await desk.system.replica({ tasks: [stepping] });
    const stream = await listen(desk, t);
    const id = await desk.baton.createTask(stepping, undefined, { actor: 'somebody', reason: 'a test' });
    const { data } = await stream.next('change', ({ task, event }) => task === id && event === 'create');
    assert.deepEqual([data['actor'], data['reason']], ['somebody', 'a test']);
    await stream.next('task', (task) => task['id'] === id && task['progress'] === 0.25);
    goOn.open();
    await stream.next('task', (task) => task['id'] === id && task['state'] === 'finished');
    await stream.next('change', ({ task, event }) => task === id && event === 'finish');
    await desk.baton.deleteTask(id);
    await stream.next('gone', (gone) => gone['id'] === id);
  });

  it('whoever comes back with the last id hears all that came in between, once', async (t) => {
    const desk = await openDesk(backend, t);
    const first = await listen(desk, t);
    const one = await desk.baton.createTask(waiting, undefined);
    const { id: cursor } = await first.next('change', ({ task }) => task === one);
    await first.close();
    const missed: number[] = [];
    for (let index = 0; index < 5; index++) missed.push(await desk.baton.createTask(waiting, undefined));
    const second = await listen(desk, t, { since: cursor });
    const live = await desk.baton.createTask(waiting, undefined);
    await second.next('change', ({ task }) => task === live);
    const told = second.messages.filter(({ event }) => event === 'change').map(({ data }) => data['task']);
    assert.deepEqual(told, [...missed, live]);
  });

  it('whoever comes back with an id that is none is told to read anew, and hears the rest', async (t) => {
    const desk = await openDesk(backend, t);
    const stream = await listen(desk, t, { since: 'no cursor at all' });
    await stream.next('missed');
    const id = await desk.baton.createTask(waiting, undefined);
    await stream.next('change', ({ task }) => task === id);
  });

  it('a stream about one task, and one of one user, hear of nothing else', async (t) => {
    const desk = await openDesk(backend, t);
    await desk.baton.start();
    const [about, other] = [
      await desk.baton.createTask(waiting, undefined, { user: 'ada', autoRun: false }),
      await desk.baton.createTask(waiting, undefined, { user: 'bob', autoRun: false }),
    ];
    const [single, scoped, whole] = [
      await listen(desk, t, { task: about }),
      await listen(desk, t, { as: ADA }),
      await listen(desk, t),
    ];
    for (const id of [other, about]) await desk.baton.runTask(id);
    for (const id of [other, about]) await reaches(desk.baton, id, 'running');
    for (const id of [other, about]) await desk.baton.deleteTask(id);
    for (const id of [other, about]) await whole.next('gone', (gone) => gone['id'] === id);
    for (const stream of [single, scoped]) {
      await stream.next('gone', (gone) => gone['id'] === about);
      const ids = stream.messages.flatMap(({ event, data }) =>
        event === 'tick' ? [] : [data[event === 'change' ? 'task' : 'id']],
      );
      assert.deepEqual([...new Set(ids)], [about]);
    }
  });

  it('with the history off, progress and ends are told all the same', async (t) => {
    const desk = await openDesk(backend, t, { history: 'off' });
    await desk.baton.start();
    assert.equal((await desk.get('api/session')).body.system.history, false);
    const stream = await listen(desk, t);
    const id = await desk.baton.createTask(waiting, undefined);
    await stream.next('task', (task) => task['id'] === id && task['progress'] === 0.5);
    await desk.baton.pauseTask(id);
    await stream.next('task', (task) => task['id'] === id && task['state'] === 'paused');
    assert.equal((await desk.get(`api/tasks/${id}/history`)).body.entries.length, 0);
  });

  it('however many listen, and while nothing happens, the database is asked one thing at each poll', async (t) => {
    const desk = await openDesk(backend, t, { pollInterval: 50 });
    const streams = await Promise.all(Array.from({ length: 50 }, () => listen(desk, t)));
    const id = await desk.baton.createTask(waiting, undefined);
    // From here on none has anything to catch up with.
    await Promise.all(streams.map((stream) => stream.next('change', ({ task }) => task === id)));
    const { database } = await internalsOf(desk.baton).stores.open();
    const asked: string[] = [];
    const query = database.query.bind(database);
    database.query = (sql, values) => {
      asked.push(sql);
      return query(sql, values);
    };
    const looks = (): number => asked.filter((sql) => sql.includes('AS held')).length;
    await until('nothing is left to be told', () => looks() >= 3);
    asked.length = 0;
    await until('ten looks', () => looks() >= 10);
    assert.equal(asked.length, looks(), asked.join('\n'));
  });

  it('whoever does not read is let go once too much waits for it, and nobody else notices', async (t) => {
    const desk = await openDesk(backend, t, { concurrency: 20 });
    await desk.baton.start();
    const streams = async (): Promise<string | undefined> =>
      /^taskbaton_dashboard_streams (\d+)$/m.exec((await desk.get('metrics')).text)?.[1];
    const reading = await listen(desk, t);
    const { body } = await desk.handler(new Request(`${HOST}/api/events`, { headers: asVisitor(ADMIN) }));
    assert.equal(await streams(), '2');
    // One after the other, or even who reads would have too much waiting at once.
    for (let index = 0; index < 60 && (await streams()) === '2'; index++) {
      const id = await desk.baton.createTask(waiting, 'x'.repeat(100_000));
      await reading.next('task', (task) => task['id'] === id);
    }
    await until('it is let go', async () => (await streams()) === '1');
    // What it had been sent is still there to be read, and then it is over.
    let bytes = 0;
    for await (const chunk of body ?? []) bytes += chunk.length;
    assert.ok(bytes > 0 && bytes < 400_000, `${bytes} bytes`);
    const live = await desk.baton.createTask(waiting, undefined, { autoRun: false });
    await reading.next('change', ({ task }) => task === live);
  });

  it('whoever reads slowly hears the same in the same order, be it more than waits for anybody', async (t) => {
    const desk = await openDesk(backend, t);
    const slow = await desk.handler(new Request(`${HOST}/api/events`, { headers: asVisitor(ADMIN) }));
    assert.ok(slow.body !== null);
    const reader = slow.body.getReader();
    t.after(() => reader.cancel());
    const fast = await listen(desk, t);
    await desk.baton.createTasks(Array.from({ length: 2000 }, () => ({ task: waiting, autoRun: false })));
    const told = (messages: readonly Message[]): readonly unknown[] =>
      messages.filter(({ event }) => event === 'change').map(({ data }) => data['task']);
    await until('the fast one has heard it', () => told(fast.messages).length === 2000);
    const messages: Message[] = [];
    void collect(reader, messages);
    await until('the slow one has heard it', () => told(messages).length === 2000);
    assert.deepEqual(told(messages), told(fast.messages));
  });

  it('a list that may be a moment old is read once for all, until somebody is told of a change', async (t) => {
    const desk = await openDesk(backend, t, { pollInterval: 50 });
    const stream = await listen(desk, t);
    const { database } = await internalsOf(desk.baton).stores.open();
    let reads = 0;
    const query = database.query.bind(database);
    database.query = (sql, values) => {
      reads += Number(sql.includes('ORDER BY id DESC LIMIT'));
      return query(sql, values);
    };
    const headers = { 'cache-control': 'max-age=60' };
    const listed = async (ask: Ask = {}): Promise<readonly number[]> =>
      (await desk.get('api/tasks', ask)).body.tasks.map(({ id }: { id: number }) => id);
    for (let index = 0; index < 10; index++) assert.deepEqual(await listed({ headers }), []);
    assert.equal(reads, 1);
    const id = await desk.baton.createTask(waiting, undefined, { user: 'bob', autoRun: false });
    assert.deepEqual(await listed(), [id], 'whoever does not say so is answered anew');
    await stream.next('change', ({ task }) => task === id);
    assert.deepEqual(await listed({ headers }), [id]);
    assert.deepEqual(await listed({ headers, as: ADA }), [], 'what others see is not for everybody');
  });

  it('there are so many streams and no more, and all end with the instance', async (t) => {
    const desk = await openDesk(backend, t, {}, { maxStreams: 2 });
    const streams = [await listen(desk, t), await listen(desk, t)];
    const refused = await desk.get('api/events');
    assert.deepEqual([refused.status, refused.body.error.code], [503, 'TOO_MANY_STREAMS']);
    await streams[0]?.close();
    const third = await listen(desk, t);
    await desk.baton.stop();
    await Promise.all([streams[1]?.ended, third.ended]);
  });
});

interface Listening {
  readonly as?: Visitor;
  readonly since?: string | undefined;
  readonly task?: number | undefined;
}

/** A stream, once it hears all that happens. */
async function listen(
  { handler }: Desk,
  t: TestContext,
  { as = ADMIN, since, task }: Listening = {},
): Promise<Listener> {
  const headers = { ...asVisitor(as), ...(since === undefined ? {} : { 'last-event-id': since }) };
  const query = task === undefined ? '' : `?task=${task}`;
  const response = await handler(new Request(`${HOST}/api/events${query}`, { headers }));
  assert.equal(response.status, 200);
  assert.ok(response.body !== null);
  const reader = response.body.getReader();
  const messages: Message[] = [];
  const ended = collect(reader, messages);
  t.after(() => reader.cancel());
  const listener: Listener = {
    messages,
    ended,
    next: (event, fits = () => true) =>
      until(`the message ${event} among ${JSON.stringify(messages).slice(-2000)}`, () =>
        messages.find((message) => message.event === event && fits(message.data)),
      ),
    close: async () => {
      await reader.cancel();
    },
  };
  await listener.next('tick');
  return listener;
}

async function collect(reader: ReadableStreamDefaultReader<Uint8Array>, messages: Message[]): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    messages.push(...blocks.filter((block) => block.includes('data: ')).map(messageFrom));
  }
}

function messageFrom(block: string): Message {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon), line.slice(colon + 2)] as const;
    }),
  );
  const data = JSON.parse(fields.get('data') ?? '{}') as Message['data'];
  return { event: fields.get('event') ?? '', id: fields.get('id'), data };
}
