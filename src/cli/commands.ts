/** The table of all commands, in the order in which they are shown. */
import type { Command } from './command.ts';
import { move, pause, remove, run } from './commands/changes.ts';
import { dashboard } from './commands/dashboard.ts';
import { demo } from './commands/demo.ts';
import { doctor } from './commands/doctor.ts';
import { history } from './commands/history.ts';
import { drain, replicas } from './commands/replicas.ts';
import { scheduleActs, schedules } from './commands/schedules.ts';
import { limits, removeLimit, scopes, setLimit } from './commands/scopes.ts';
import { shellCommands } from './commands/shell.ts';
import { stats } from './commands/stats.ts';
import { migrate, plans } from './commands/tables.ts';
import { create, list, show } from './commands/tasks.ts';
import { watch } from './commands/watch.ts';

export const COMMANDS: readonly Command[] = [
  demo,
  migrate,
  plans,
  doctor,
  dashboard,
  list,
  show,
  create,
  run,
  pause,
  move,
  remove,
  watch,
  history,
  stats,
  ...scopes,
  limits,
  setLimit,
  removeLimit,
  schedules,
  ...scheduleActs,
  replicas,
  drain,
  ...shellCommands(() => COMMANDS),
];
