/** The types that this replica runs, by name. */
import { crashBudget, implement, type TaskDefinition } from '../core/definition.ts';
import { show, TaskbatonError } from '../core/errors.ts';

export class Registry {
  readonly #definitions = new Map<string, TaskDefinition>();
  readonly #budgets = new Map<string, number>();

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
    if (this.#definitions.has(type)) throw new TaskbatonError('DUPLICATE_TYPE', { type: show(type) });
    this.#definitions.set(type, checked);
    this.#budgets.set(type, crashBudget(onCrash) ?? 0);
  }

  find(type: string): TaskDefinition | undefined {
    return this.#definitions.get(type);
  }

  /** All types, and how many crashes a task of each survives. */
  get budgets(): ReadonlyMap<string, number> {
    return this.#budgets;
  }
}
