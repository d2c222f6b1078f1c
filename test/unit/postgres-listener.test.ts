/** The self-probing listener on a driver that delivers, loses or fails as it is told, in time that runs faster. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { ChannelSink, Listened, PostgresDriver } from '../../src/database/postgres-driver.ts';
import { PostgresListener } from '../../src/database/postgres-listener.ts';
import { Heard } from '../support/databases.ts';
import { until } from '../support/system.ts';

const HUNDREDFOLD: Clock = {
  ...systemClock,
  after: (ms, callback, options) => systemClock.after(ms / 100, callback, options),
};

class FakeDriver implements PostgresDriver {
  readonly timeout: number = 1000;
  deaf = false;
  down = false;
  attempts = 0;
  open = 0;
  lose: (cause: Error) => void = () => undefined;
  #sink: ChannelSink | undefined;

  async query(_text: string, [, payload]: readonly unknown[]): Promise<{ rows: []; changes: 0 }> {
    if (this.down) throw new Error('down');
    if (!this.deaf) this.#sink?.message(String(payload));
    return { rows: [], changes: 0 };
  }

  async listen(_channel: string, sink: ChannelSink): Promise<Listened> {
    this.attempts++;
    if (this.down) throw new Error('down');
    this.open++;
    this.#sink = sink;
    sink.ready();
    const lost = new AbortController();
    this.lose = (cause) => lost.abort(cause);
    return { lost: lost.signal, close: () => void this.open-- };
  }

  begin(): Promise<never> {
    throw new Error('not used');
  }

  async close(): Promise<void> {
    // Nothing to close.
  }
}

test('a listener that is deaf from the start says so once, and tries again and again, one connection at a time', async () => {
  const driver = new FakeDriver();
  driver.deaf = true;
  const heard = new Heard();
  const listener = new PostgresListener(driver, HUNDREDFOLD, 'channel', heard);
  await until('several attempts', () => driver.attempts >= 4);
  assert.ok(driver.open <= 1);
  assert.deepEqual(
    heard.healths.map(({ working }) => working),
    [false],
  );
  assert.match(String(heard.healths[0]?.cause), /did not come back/);
  driver.deaf = false;
  await until('it to hear itself', () => heard.working);
  await listener.close();
  await until('its connection is closed', () => driver.open === 0);
});

test('a listener that goes deaf without an error is found out by the next probe', async () => {
  const driver = new FakeDriver();
  const heard = new Heard();
  const listener = new PostgresListener(driver, HUNDREDFOLD, 'channel', heard);
  await until('it to hear itself', () => heard.working);
  driver.deaf = true;
  await until('it to be found out', () => !heard.working);
  driver.deaf = false;
  await until('it to hear again', () => heard.working);
  assert.deepEqual(
    heard.healths.map(({ working }) => working),
    [true, false, true],
  );
  await listener.close();
});

test('every new connection wakes for all that may have been missed', async () => {
  const driver = new FakeDriver();
  const heard = new Heard();
  const listener = new PostgresListener(driver, HUNDREDFOLD, 'channel', heard);
  await until('it to hear itself', () => heard.working);
  assert.deepEqual(heard.wakes, ['run', 'cleanup', 'tick', 'due']);
  driver.lose(new Error('reset'));
  await until('a new connection', () => driver.attempts === 2 && heard.working);
  assert.deepEqual(heard.wakes, ['run', 'cleanup', 'tick', 'due', 'run', 'cleanup', 'tick', 'due']);
  await listener.close();
});

test('closing is prompt while the server is away, and nothing is told afterwards', async () => {
  const driver = new FakeDriver();
  driver.down = true;
  const heard = new Heard();
  const listener = new PostgresListener(driver, HUNDREDFOLD, 'channel', heard);
  await until('some attempts', () => driver.attempts > 2);
  await listener.close();
  const { attempts } = driver;
  driver.down = false;
  await new Promise<void>((resolve) => HUNDREDFOLD.after(20_000, resolve, { hold: true }));
  assert.equal(driver.attempts, attempts);
  assert.deepEqual(heard.wakes, []);
});

test('closing does not wait for a connection that hangs', async () => {
  const driver = new FakeDriver();
  driver.listen = () => new Promise<never>(() => undefined);
  const listener = new PostgresListener(driver, HUNDREDFOLD, 'channel', new Heard());
  await listener.close();
});
