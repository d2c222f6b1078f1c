/** The types that a replica runs. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineTask } from '../../src/core/definition.ts';
import { isTaskbatonError } from '../../src/core/errors.ts';
import { Registry } from '../../src/runtime/registry.ts';

const run = (): void => undefined;

describe('the registry', () => {
  it('finds what was registered, by its type', () => {
    const registry = new Registry();
    registry.register(defineTask({ type: 'import', run }));
    assert.equal(registry.find('import')?.run, run);
    assert.equal(registry.find('export'), undefined);
    assert.equal(registry.find('toString'), undefined);
  });

  it('knows how many crashes a task of each type survives', () => {
    const registry = new Registry();
    registry.register({ type: 'fails', run });
    registry.register({ type: 'resumes', run, onCrash: 'resume' });
    registry.register({ type: '__proto__', run, onCrash: { resume: 7 } });
    const budgets = Array.from(registry.runnable, ([type, { crashBudget }]) => [type, crashBudget]);
    assert.deepEqual(budgets, [['fails', 0], ['resumes', 3], ['__proto__', 7]]); // prettier-ignore
  });

  it('refuses a type that is there already, and keeps the first', () => {
    const registry = new Registry();
    registry.register({ type: 'import', run });
    const second = { type: 'import', run: () => undefined, onCrash: 'resume' } as const;
    assert.throws(
      () => registry.register(second),
      (error) => isTaskbatonError(error, 'DUPLICATE_TYPE') && error.details['type'] === '"import"',
    );
    assert.equal(registry.find('import')?.run, run);
    assert.equal(registry.runnable.get('import')?.crashBudget, 0);
  });

  it('refuses what is no definition, and is as it was', () => {
    const registry = new Registry();
    for (const wrong of [undefined, null, 'import', 5, {}, { type: 'import' }, { run }, () => undefined]) {
      assert.throws(() => registry.register(wrong as never), (error) => isTaskbatonError(error, 'INVALID_DEFINITION')); // prettier-ignore
    }
    assert.equal(registry.runnable.size, 0);
  });

  it('is not changed by who changes the object that was registered', () => {
    const registry = new Registry();
    const definition = { type: 'import', run };
    registry.register(definition);
    definition.run = () => assert.fail('changed');
    assert.equal(registry.find('import')?.run, run);
  });
});
