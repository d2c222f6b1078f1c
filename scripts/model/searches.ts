/**
 * What Spin is asked: which model, within which bounds, and whether the properties must hold there or one of them must
 * break. A property that nothing breaks says nothing, so each is broken by dropping a rule, and by go-async's own rules.
 */
import type { Property } from './properties.ts';

export interface Bounds {
  readonly REPLICAS?: number;
  readonly SLOTS?: number;
  readonly FAULTS: number;
  readonly WISHES: number;
  readonly DETOURS?: number;
  readonly REPORTS?: number;
}

export interface Search {
  readonly name: string;
  readonly model: 'taskbaton' | 'limits' | 'go-async';
  readonly bounds: Bounds;
  /** Switches of the model. */
  readonly switches?: readonly string[];
  /** The one property that is looked at; all that are no liveness by default. */
  readonly only?: Property;
  readonly expected: 'holds' | 'breaks';
  /** Too much for every change: with `--long` only. */
  readonly long?: true;
}

const OURS = { model: 'taskbaton', expected: 'holds' } as const;
const LIMITED = { model: 'limits', expected: 'holds' } as const;

const HOLDING: readonly Search[] = [
  { ...OURS, name: 'a fault and a wish at any moment', bounds: { FAULTS: 1, WISHES: 1, DETOURS: 0 } },
  { ...OURS, name: 'two faults', bounds: { FAULTS: 2, WISHES: 0, DETOURS: 0 } },
  { ...OURS, name: 'two wishes, a retry, snooze or wait', bounds: { FAULTS: 0, WISHES: 2, DETOURS: 1 } },
  {
    ...OURS,
    name: 'a fault, a retry, snooze or wait, two reports',
    bounds: { FAULTS: 1, WISHES: 0, DETOURS: 1, REPORTS: 2 },
  },
  {
    ...OURS,
    name: 'leases that end at any moment, as if no clock could be trusted',
    bounds: { FAULTS: 1, WISHES: 1, DETOURS: 0 },
    switches: ['ANY_LEASE_ENDS', 'EXCEPT=ALONE'],
  },
  {
    ...OURS,
    name: 'two replicas of two handlers each',
    bounds: { REPLICAS: 2, SLOTS: 2, FAULTS: 1, WISHES: 1, DETOURS: 0 },
  },
  {
    ...OURS,
    name: 'every run ends',
    only: 'runs_end',
    bounds: { FAULTS: 1, WISHES: 1, DETOURS: 0, REPORTS: 0 },
  },
  {
    ...OURS,
    name: 'every delete ends',
    only: 'deletes_end',
    bounds: { FAULTS: 1, WISHES: 1, DETOURS: 0, REPORTS: 0 },
  },
  {
    ...LIMITED,
    name: 'a limit of two, three tasks',
    bounds: { SLOTS: 2, FAULTS: 2, WISHES: 0, DETOURS: 1 },
  },
  {
    ...LIMITED,
    name: 'a limit of one, three tasks',
    bounds: { SLOTS: 1, FAULTS: 2, WISHES: 0, DETOURS: 2 },
  },
  {
    ...OURS,
    name: 'a fault, a wish, a retry, snooze or wait',
    bounds: { FAULTS: 1, WISHES: 1, DETOURS: 1 },
    long: true,
  },
  {
    ...OURS,
    name: 'two faults, two reports',
    bounds: { FAULTS: 2, WISHES: 0, DETOURS: 0, REPORTS: 2 },
    long: true,
  },
];

/** What breaks without each rule. */
const DROPPED: readonly (readonly [rule: string, drop: string, only: Property, bounds: Bounds])[] = [
  ['a write carries its fence', 'DROP_FENCE', 'STALE', { FAULTS: 2, WISHES: 0, DETOURS: 0 }],
  ['a write carries its fence', 'DROP_FENCE', 'ACKED', { FAULTS: 1, WISHES: 0, DETOURS: 0, REPORTS: 2 }],
  [
    'a fence has an epoch, not only an owner',
    'DROP_EPOCH',
    'STALE',
    { REPLICAS: 2, SLOTS: 2, FAULTS: 1, WISHES: 0, DETOURS: 1 },
  ],
  [
    'an epoch is never used again',
    'DROP_EPOCH_NEVER_RESET',
    'EPOCHS',
    { REPLICAS: 2, SLOTS: 2, FAULTS: 1, WISHES: 0, DETOURS: 1 },
  ],
  ['a rescue honours marks', 'DROP_RESCUE_HONOURS_MARKS', 'MARKS', { FAULTS: 1, WISHES: 1, DETOURS: 0 }],
  [
    'a rescue looks again at whom it takes from',
    'DROP_RESCUE_LOOKS_AGAIN',
    'TERMINAL',
    { FAULTS: 2, WISHES: 0, DETOURS: 0 },
  ],
  ['a cleanup comes before the end', 'DROP_CLEANUP_FIRST', 'CLEANUP', { FAULTS: 0, WISHES: 1, DETOURS: 0 }],
  ['a replica stops before its lease ends', 'ANY_LEASE_ENDS', 'ALONE', { FAULTS: 1, WISHES: 0, DETOURS: 0 }],
  ['a claim nobody heard of is given back', 'DROP_GIVING_BACK', 'ENDS', { FAULTS: 1, WISHES: 0, DETOURS: 0 }],
  ['tasks of the dead are rescued', 'DROP_RESCUE', 'ENDS', { FAULTS: 1, WISHES: 0, DETOURS: 0 }],
];

const ONE_SLOT: Bounds = { SLOTS: 1, FAULTS: 1, WISHES: 0, DETOURS: 1 };
const DROPPED_OF_LIMITS: typeof DROPPED = [
  ['a slot counts until its task was rescued', 'DROP_RESCUE_FIRST', 'LIMIT', ONE_SLOT],
  ['who may start is counted and started in one step', 'DROP_ONE_STEP', 'LIMIT', ONE_SLOT],
  ['a slot is taken back when its claim is over', 'DROP_TAKING_BACK', 'ENDS', ONE_SLOT],
];

const breaking =
  (model: Search['model']) =>
  ([name, drop, only, bounds]: (typeof DROPPED)[number]): Search => ({
    name,
    model,
    bounds,
    switches: [drop],
    only,
    expected: 'breaks',
  });

const BREAKING: readonly Search[] = [
  ...DROPPED.map(breaking('taskbaton')),
  ...DROPPED_OF_LIMITS.map(breaking('limits')),
];

/** In the order in which they are shown. */
const GO_ASYNC: readonly Search[] = (['STALE', 'ACKED', 'TERMINAL', 'ALONE', 'CLEANUP', 'ENDS'] as const).map(
  (only) => ({
    name: 'go-async',
    model: 'go-async',
    bounds: { FAULTS: 1, WISHES: 2, REPORTS: 2 },
    only,
    expected: 'breaks',
  }),
);

export const SEARCHES: readonly Search[] = [...HOLDING, ...BREAKING, ...GO_ASYNC];
