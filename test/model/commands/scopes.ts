/** Users, groups and types as a whole: limited, paused, resumed. */
import fc from 'fast-check';
import { always, Command, GROUPS, mayLeave, USERS } from '../command.ts';
import { TYPES } from '../fleet.ts';
import type { PausedKind, ReferenceScope } from '../reference.ts';

const pausable: fc.Arbitrary<readonly [PausedKind, string]> = fc.oneof(
  fc.constantFrom(...GROUPS).map((name) => ['group', name] as const),
  fc.constantFrom(...USERS).map((name) => ['user', name] as const),
  fc.constantFrom(...TYPES).map((name) => ['type', name] as const),
);
const limited: fc.Arbitrary<ReferenceScope> = fc.oneof(
  pausable,
  fc
    .tuple(fc.constantFrom(...USERS), fc.constantFrom(...GROUPS))
    .map((names) => ['user/group', ...names] as const),
);

export const scopes: readonly fc.Arbitrary<Command>[] = [
  ...[limited, limited].map((some) =>
    fc.tuple(some, fc.option(fc.integer({ min: 1, max: 3 }))).map(
      ([scope, limit]) =>
        new Command(
          `limit ${scope[0]}`,
          `${scope.slice(1).join(' ')} ${limit}`,
          always,
          async (reference, fleet) => {
            await fleet.limit(scope, limit);
            if (limit === null) reference.limits.delete(String(scope));
            else reference.limits.set(String(scope), limit);
          },
        ),
    ),
  ),
  fc.tuple(pausable, fc.boolean()).map(
    ([[kind, name], running]) =>
      new Command(
        `hold ${kind}`,
        `${name} ${running}`,
        running ? mayLeave : always,
        async (reference, fleet) => {
          await fleet.hold(kind, name, running);
          reference.hold([kind, name], running);
        },
      ),
  ),
  ...[pausable, pausable].map((some) =>
    some.map(
      ([kind, name]) =>
        new Command(`release ${kind}`, name, always, async (reference, fleet) => {
          await fleet.release(kind, name);
          reference.release([kind, name]);
        }),
    ),
  ),
];
