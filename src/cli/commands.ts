/** The table of all commands, in the order in which they are shown. */
import type { Command } from './command.ts';
import { move, pause, remove, run } from './commands/changes.ts';
import { migrate, plans } from './commands/tables.ts';
import { create, list, show } from './commands/tasks.ts';

export const COMMANDS: readonly Command[] = [migrate, plans, list, show, create, run, pause, move, remove];
