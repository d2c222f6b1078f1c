/** The types that this replica runs, by name. */
import { crashBudget, implement, type TaskDefinition } from '../core/definition.ts';
import { show, TaskbatonError } from '../core/errors.ts';
import { type CheckedKeep, checkKeep } from '../core/keep.ts';
import { readableVersions, type Runnable } from '../core/version.ts';

export class Registry {
  readonly #definitions = new Map<string, TaskDefinition>();
  readonly #runnable = new Map<string, Runnable>();
  readonly #kept = new Map<string, CheckedKeep>();

  /** Throws INVALID_DEFINITION or DUPLICATE_TYPE. */
  register(definition: TaskDefinition): void {
    if (typeof definition !== 'object' || definition === null) {
      throw new TaskbatonError('INVALID_DEFINITION', {
        type: show(definition),
        problem: 'it is not a definition',
      });
    }
    const checked = implement(definition, definition);
    const { type, onCrash } = checked;
    const keep = checkKeep(checked.keep, (part, value, problem) => {
      throw new TaskbatonError('INVALID_DEFINITION', {
        type: show(type),
        problem: `${part} is ${show(value)}: ${problem}`,
      });
    });
    if (this.#definitions.has(type)) throw new TaskbatonError('DUPLICATE_TYPE', { type: show(type) });
    this.#definitions.set(type, checked);
    this.#runnable.set(type, { crashBudget: crashBudget(onCrash) ?? 0, versions: readableVersions(checked) });
    if (keep !== undefined) this.#kept.set(type, keep);
  }

  /** The types whose tasks are not kept for ever. */
  get kept(): ReadonlyMap<string, CheckedKeep> {
    return this.#kept;
  }

  find(type: string): TaskDefinition | undefined {
    return this.#definitions.get(type);
  }

  get runnable(): ReadonlyMap<string, Runnable> {
    return this.#runnable;
  }
}
