/** What befalls replicas, their networks and the database, one after the other and sometimes at once. */
import { setTimeout as pause } from 'node:timers/promises';
import { openDatabase } from '../src/database/open.ts';
import { systemClock } from '../src/runtime/clock.ts';
import type { Fault } from '../test/support/tcp-proxy.ts';
import { type Arena, LEASE, type Seat } from './arena.ts';
import { monotonic } from './ledger.ts';
import type { Random } from './random.ts';

interface Scene {
  readonly arena: Arena;
  readonly random: Random;
}

interface FaultKind {
  readonly name: string;
  readonly weight: number;
  /** Whether it can happen here. */
  readonly possible: (arena: Arena) => boolean;
  /** Happens to one replica, if it takes a seat, or to the database. Resolves when it is over. */
  readonly strike: (scene: Scene, seat: Seat) => Promise<void>;
  readonly everybody?: boolean;
  /** How long it may be felt when it is over, in milliseconds. */
  readonly lingers?: number;
}

const always = (): boolean => true;
const networked = ({ seats }: Arena): boolean => seats[0]?.proxy !== undefined;

/** What happens to a statement that may write, and at once to whoever waits for its answer. */
const LOUD: readonly Fault[] = ['unanswered', 'closed', 'torn', 'unsent'];
/** When a statement is given up that gets no answer, by default. */
const STATEMENT_TIMEOUT = 30_000;

/** Does it to the fifth statement that may write. */
async function spoil({ proxy }: Seat, fault: Fault): Promise<void> {
  if (proxy === undefined) return;
  let left = 5;
  proxy.judge = (text) =>
    /^(COMMIT|UPDATE|INSERT|DELETE|WITH)/i.test(text) && --left === 0 ? fault : undefined;
  await pause(500);
  proxy.judge = () => undefined;
}

const FAULTS: readonly FaultKind[] = [
  {
    name: 'killed',
    weight: 3,
    possible: always,
    strike: async (_scene, seat) => {
      seat.signal('SIGKILL');
      await seat.leave(1000);
    },
  },
  {
    name: 'frozen beyond its lease',
    weight: 12,
    possible: always,
    strike: async ({ arena, random }, seat) => {
      if (networked(arena)) seat.signal('SIGSTOP');
      else seat.freeze();
      await pause(random.between(1.5, 2.5) * LEASE);
      seat.signal('SIGCONT');
    },
  },
  {
    name: 'stopped in order',
    weight: 2,
    possible: always,
    strike: async ({ arena }, seat) => {
      arena.ledger.write({ kind: 'process', what: 'told to go', process: seat.process });
      seat.signal('SIGTERM');
      await seat.leave(8000);
    },
  },
  {
    name: 'connections reset',
    weight: 6,
    possible: networked,
    strike: async (_scene, seat) => seat.proxy?.cut(),
  },
  {
    name: 'connections half-open',
    weight: 2,
    possible: networked,
    lingers: STATEMENT_TIMEOUT,
    strike: async (_scene, seat) => seat.proxy?.abandon(),
  },
  {
    name: 'network stalled',
    weight: 4,
    possible: networked,
    strike: async ({ random }, { proxy }) => {
      proxy?.stall();
      await pause(random.between(0.2, 1.5) * LEASE);
      proxy?.resume();
    },
  },
  {
    name: 'database out of reach',
    weight: 3,
    possible: networked,
    strike: async ({ random }, { proxy }) => {
      await proxy?.takeAway();
      await pause(random.between(0.3, 2) * LEASE);
      await proxy?.restore();
    },
  },
  {
    name: 'an answer lost',
    weight: 6,
    possible: networked,
    strike: ({ random }, seat) => spoil(seat, LOUD[Math.floor(random.next() * LOUD.length)] ?? 'unsent'),
  },
  {
    name: 'an answer that never comes',
    weight: 2,
    possible: networked,
    lingers: STATEMENT_TIMEOUT,
    strike: (_scene, seat) => spoil(seat, 'half-open'),
  },
  {
    name: 'clock turned by an hour',
    weight: 2,
    possible: ({ seats }) => seats[0]?.clock !== undefined,
    strike: async ({ random }, seat) => {
      seat.turnClock(random.chance(0.5) ? 3600 : -3600);
      await pause(random.between(0.5, 2) * LEASE);
      seat.turnClock(0);
    },
  },
  {
    name: 'database file locked',
    weight: 4,
    possible: (arena) => !networked(arena),
    everybody: true,
    strike: async ({ arena, random }) => {
      const database = await openDatabase(arena.place.url, { clock: systemClock });
      // Nobody minds whether it ever got the lock.
      await database.transaction(() => pause(random.between(200, 1500))).catch(() => undefined);
      await database.close();
    },
  },
  ...(['stop', 'crash', 'kill'] as const).map((how): FaultKind => ({
    name: `database restarted (${how})`,
    weight: 0.4,
    possible: ({ place }) => place.power !== undefined,
    everybody: true,
    strike: async ({ arena, random }) => {
      await arena.place.power?.down(how);
      await pause(random.between(100, 1500));
      await arena.place.power?.up();
    },
  })),
];

/** Strikes again and again until `end`, a replica by one fault at a time; resolves when the last is over. */
export async function rage(scene: Scene, end: number, pace: number): Promise<void> {
  const { arena, random } = scene;
  const kinds = FAULTS.filter(({ possible }) => possible(arena));
  const struck = new Set<Seat>();
  const running = new Set<Promise<void>>();
  let everybody = false;
  while (monotonic() < end) {
    await pause(random.between(0.5, 1.5) * pace);
    const kind = random.pick(kinds);
    const seat = arena.seats[Math.floor(random.next() * arena.seats.length)];
    if (seat === undefined || !seat.alive || everybody || (kind.everybody !== true && struck.has(seat)))
      continue;
    const since = monotonic();
    const name = seat.process;
    everybody = kind.everybody === true;
    if (!everybody) struck.add(seat);
    const over = kind.strike(scene, seat).then(() => {
      if (kind.everybody === true) everybody = false;
      else struck.delete(seat);
      running.delete(over);
      const victim = kind.everybody === true ? {} : { process: name };
      const until = monotonic() + (kind.lingers ?? 0);
      arena.ledger.write({ kind: 'fault', fault: kind.name, ...victim, since, until });
    });
    running.add(over);
  }
  await Promise.all(running);
}
