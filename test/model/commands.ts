/** All that may happen, the more frequent the more often it is named. */
import fc from 'fast-check';
import type { Command } from './command.ts';
import { asks } from './commands/asks.ts';
import { create, creations } from './commands/creations.ts';
import { handlers } from './commands/handlers.ts';
import { looks } from './commands/looks.ts';
import { replicas } from './commands/replicas.ts';
import { schedules } from './commands/schedules.ts';
import { scopes } from './commands/scopes.ts';
import type { Fleet } from './fleet.ts';
import type { Reference } from './reference.ts';

const ARBITRARIES: readonly fc.Arbitrary<Command>[] = [
  create,
  create,
  create,
  create,
  create,
  ...creations,
  ...asks,
  ...scopes,
  ...handlers,
  ...replicas,
  ...schedules,
  ...looks,
];

/** Of so many commands at most. */
export function commands(most: number): fc.Arbitrary<Iterable<fc.AsyncCommand<Reference, Fleet, true>>> {
  return fc.commands([...ARBITRARIES], { maxCommands: most, size: 'max' });
}
