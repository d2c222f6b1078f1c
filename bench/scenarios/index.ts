/** All scenarios, in the order in which they are played and told of. */
import type { Scenario } from '../scenario.ts';
import { backlog } from './backlog.ts';
import { control, handOver, pause, rescue } from './control.ts';
import { cost } from './cost.ts';
import { create } from './create.ts';
import { checkpoints, drain, drainByTwo } from './drain.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';

export const SCENARIOS: readonly Scenario[] = [
  drain,
  drainByTwo,
  create,
  latency,
  checkpoints,
  cost,
  idle,
  pause,
  handOver,
  rescue,
  control,
  backlog,
];
