/**
 * The moments at which a handler goes on after it has waited for something, whatever it waited for. What the engine does
 * on the handler's behalf, inside `report` and the like, is not counted.
 */
import { AsyncResource, createHook, executionAsyncId } from 'node:async_hooks';
import type { TaskDefinition } from '../core/definition.ts';
import type { HandlerArguments } from '../core/handler.ts';

type Call = <Result>(work: () => Result) => Result;

export class Awaits {
  readonly #onContinue: () => void;
  /** All that a handler has begun to wait for, by Node's ids; true for promises. */
  readonly #waits = new Map<number, boolean>();
  readonly #hook = createHook({
    init: (id, kind) => {
      if (this.#waits.has(executionAsyncId())) this.#waits.set(id, kind === 'PROMISE');
    },
    before: (id) => {
      if (this.#waits.get(id) === true) this.#onContinue();
    },
  });

  /** Calls `onContinue` right before a watched handler goes on, until it is closed. */
  constructor(onContinue: () => void) {
    this.#onContinue = onContinue;
    this.#hook.enable();
  }

  close(): void {
    this.#hook.disable();
  }

  /** The definition with its `run` watched. */
  watch(definition: TaskDefinition): TaskDefinition {
    return {
      ...definition,
      run: (given) => {
        const [inside, outside] = [new AsyncResource('handler'), new AsyncResource('engine')];
        this.#waits.set(inside.asyncId(), false);
        const within: Call = (work) => inside.runInAsyncScope(work);
        const beyond: Call = (work) => outside.runInAsyncScope(work);
        const running: unknown = within(() => definition.run(withEngine(given, beyond)));
        return (isGenerator(running) ? watchedGenerator(running, within) : running) as never;
      },
    };
  }
}

/** Its functions are the engine's: what they wait for is not the handler's. */
function withEngine(
  given: HandlerArguments<unknown, unknown>,
  beyond: Call,
): HandlerArguments<unknown, unknown> {
  const { report, transaction, children } = given;
  return {
    ...given,
    report: (value) => beyond(() => report(value)),
    transaction: (work) => beyond(() => transaction(work)),
    children: {
      create: (items, value) => beyond(() => children.create(items, value)),
      done: (options) => beyond(() => children.done(options)),
    },
  };
}

function watchedGenerator(running: Generator, within: Call): object {
  return {
    next: () => within(() => running.next()),
    return: (value: unknown) => within(() => running.return(value)),
    throw: (error: unknown) => within(() => running.throw(error)),
  };
}

function isGenerator(value: unknown): value is Generator {
  return typeof (Object(value) as { next?: unknown }).next === 'function';
}
