/**
 * Other work on the machine spoils figures, so it is measured: the cores that processes use which neither belong to the
 * benchmark nor were started by it, as its servers were. Linux only; elsewhere nothing is known.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

interface Usage {
  readonly parent: number;
  /** Processor time, in hundredths of a second. */
  readonly ticks: number;
}

const SAMPLED_EVERY = 400;
/** Whose children are the kernel's own threads. */
const KERNEL = 2;

export class Noise {
  readonly #begun: number = performance.now();
  readonly #timer: NodeJS.Timeout;
  #before: ReadonlyMap<number, Usage> = usages();
  #ticks = 0;

  constructor() {
    this.#timer = setInterval(() => this.#sample(), SAMPLED_EVERY);
  }

  /** Cores used by others since it was made, on average. */
  end(): number | undefined {
    clearInterval(this.#timer);
    if (this.#before.size === 0) return undefined;
    this.#sample();
    return Math.round(this.#ticks / ((performance.now() - this.#begun) / 1000)) / 100;
  }

  #sample(): void {
    const after = usages();
    for (const [pid, { ticks }] of after) {
      const used = ticks - (this.#before.get(pid)?.ticks ?? 0);
      if (used > 0 && !isOurs(pid, after)) this.#ticks += used;
    }
    this.#before = after;
  }
}

/** Waits until others are quiet, but no longer than `patience` milliseconds. */
export async function quiet(patience: number, cores = 0.3): Promise<void> {
  const end = performance.now() + patience;
  while (performance.now() < end) {
    const noise = new Noise();
    await sleep(700);
    if ((noise.end() ?? 0) <= cores) return;
  }
}

function usages(): ReadonlyMap<number, Usage> {
  const found = new Map<number, Usage>();
  for (const pid of processes()) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name, in parentheses, may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      found.set(pid, { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    } catch {
      continue;
    }
  }
  return found;
}

function processes(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function isOurs(pid: number, all: ReadonlyMap<number, Usage>): boolean {
  if (all.get(pid)?.parent === KERNEL) return true;
  for (let each = pid; each > KERNEL; each = all.get(each)?.parent ?? 0)
    if (each === process.pid) return true;
  return false;
}
