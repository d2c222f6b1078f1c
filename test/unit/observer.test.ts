/** The doorway for events: everybody hears everything, and nobody who throws is heard. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Logger } from '../../src/core/options.ts';
import { type EngineEvent, Observer } from '../../src/runtime/observer.ts';

const RELEASED = { id: 1, epoch: 2, replica: 'r' };
const RESCUED = { count: 1, replica: 'r' };

describe('the observer', () => {
  it('tells each event to every listener, until that stops listening', () => {
    const observer = new Observer(null);
    const [first, second]: [EngineEvent[], EngineEvent[]] = [[], []];
    const stop = observer.on('*', (event) => void first.push(event));
    observer.on('*', (event) => void second.push(event));
    observer.emit('task.released', RELEASED);
    stop();
    stop();
    observer.emit('replica.started', { replica: 'r' });
    assert.deepEqual(first, [{ name: 'task.released', ...RELEASED }]);
    assert.deepEqual(second, [...first, { name: 'replica.started', replica: 'r' }]);
  });

  it('tells whoever asked for one event of that one only, and refuses what is none', () => {
    const observer = new Observer(null);
    const heard: number[] = [];
    observer.on('task.released', ({ epoch }) => void heard.push(epoch));
    observer.emit('replica.started', { replica: 'r' });
    observer.emit('task.released', RELEASED);
    assert.deepEqual(heard, [2]);
    for (const name of ['task.release', 'toString', undefined])
      assert.throws(() => observer.on(name as '*', () => undefined), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => observer.on('*', 'x' as never), { code: 'INVALID_ARGUMENT' });
  });

  it('logs of what a handler logged no more than that it did', () => {
    const lines: unknown[] = [];
    const line = (_message: string, fields?: object): void => void lines.push(fields);
    const observer = new Observer({ debug: line, info: line, warn: line, error: line });
    const details = { id: 1, type: 't', epoch: 1, replica: 'r', queue: 'run' } as const;
    observer.emit('task.logged', { ...details, level: 'info', message: 'secret', fields: { secret: 1 } });
    assert.deepEqual(lines, [{ event: 'task.logged', ...details, level: 'info' }]);
  });

  it('lets no listener and no logger throw into the engine, and the others hear all the same', async () => {
    const heard: string[] = [];
    const rejections: unknown[] = [];
    const onRejection = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', onRejection);
    const observer = new Observer(throwingLogger());
    observer.on('*', () => {
      throw new Error('listener');
    });
    observer.on('*', rejecting as () => void);
    observer.on('*', ({ name }) => void heard.push(name));
    observer.emit('task.released', RELEASED);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onRejection);
    assert.deepEqual([heard, rejections], [['task.released'], []]);
  });

  it('logs an event with its level and its fields', () => {
    const lines: unknown[] = [];
    const log =
      (level: string) =>
      (message: string, fields?: object): void =>
        void lines.push([level, message, fields]);
    const observer = new Observer({
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
    });
    observer.emit('replica.started', { replica: 'r' });
    observer.emit('task.released', RELEASED);
    assert.deepEqual(lines, [
      ['info', 'replica started', { event: 'replica.started', replica: 'r' }],
      ['debug', 'a claim that never ran here was given back', { event: 'task.released', ...RELEASED }],
    ]);
  });

  it('calls the methods of a logger on the logger', () => {
    class Counting implements Logger {
      lines = 0;
      debug(): void {}
      info(): void {
        this.lines += 1;
      }
      warn(): void {}
      error(): void {}
    }
    const logger = new Counting();
    new Observer(logger).emit('replica.started', { replica: 'r' });
    assert.equal(logger.lines, 1);
  });

  it('logs warnings to the console unless told otherwise, and nothing when told to be silent', (context) => {
    const warn = context.mock.method(console, 'warn', () => undefined);
    for (const method of ['log', 'info', 'debug', 'error'] as const) {
      context.mock.method(console, method, () => assert.fail(`console.${method}`));
    }
    new Observer(null).emit('tasks.rescued', RESCUED);
    assert.equal(warn.mock.callCount(), 0);
    new Observer(undefined).emit('replica.started', { replica: 'r' });
    assert.equal(warn.mock.callCount(), 0);
    new Observer(undefined).emit('tasks.rescued', RESCUED);
    assert.match(String(warn.mock.calls[0]?.arguments[0]), /^taskbaton: tasks of dead replicas were rescued/);
  });

  it('lets a listener leave while it is called', () => {
    const observer = new Observer(null);
    let calls = 0;
    const stop = observer.on('*', () => {
      calls += 1;
      stop();
    });
    observer.emit('task.released', RELEASED);
    observer.emit('task.released', RELEASED);
    assert.equal(calls, 1);
  });
});

/** What an `async` listener is. */
const rejecting: unknown = () => Promise.reject(new Error('asynchronous listener'));

function throwingLogger(): Logger {
  const fail = (): never => {
    throw new Error('logger');
  };
  return { debug: fail, info: fail, warn: fail, error: fail };
}
