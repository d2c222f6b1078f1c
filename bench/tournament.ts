/** Plays a scenario: its contestants take turns within each repetition, so that what changes on the machine meets all of them. */
import { Arena } from './arena.ts';
import { Noise, quiet } from './noise.ts';
import type { Line } from './outcome.ts';
import type { Entry } from './roster.ts';
import type { Scale, Scenario } from './scenario.ts';
import type { Servers } from './servers.ts';

export async function* play(
  scenario: Scenario,
  entries: readonly Entry[],
  servers: Servers,
  scale: Scale,
): AsyncGenerator<Line> {
  if (scenario.measureTogether !== undefined) return yield* playTogether(scenario, entries, servers, scale);
  for (let repetition = 1; repetition <= scale.repetitions; repetition++)
    for (const entry of entries) yield playOnce(scenario, entry, repetition, servers, scale);
}

async function playOnce(
  scenario: Scenario,
  entry: Entry,
  repetition: number,
  servers: Servers,
  scale: Scale,
): Promise<Line> {
  const line = { contestant: entry.name, repetition };
  let arena: Arena | undefined;
  await quiet(scale.patience);
  const noise = new Noise();
  try {
    arena = await Arena.open(servers, entry);
    const figures = await scenario.measure?.(arena, scale);
    return { ...line, ...(figures && { figures }), ...others(noise) };
  } catch (error) {
    return { ...line, error: reason(error), ...others(noise) };
  } finally {
    await arena?.close();
  }
}

async function* playTogether(
  scenario: Scenario,
  entries: readonly Entry[],
  servers: Servers,
  scale: Scale,
): AsyncGenerator<Line> {
  const arenas: Arena[] = [];
  try {
    for (const entry of entries) arenas.push(await Arena.open(servers, entry));
    let repetition = 0;
    let noise = new Noise();
    for await (const all of scenario.measureTogether?.(arenas, scale) ?? []) {
      repetition++;
      const disturbed = others(noise);
      for (const [index, figures] of all.entries())
        yield { contestant: entries[index]?.name ?? '', repetition, figures, ...disturbed };
      noise = new Noise();
    }
    noise.end();
  } finally {
    for (const arena of arenas) await arena.close();
  }
}

function others(noise: Noise): { readonly others_cpu?: number } {
  const cores = noise.end();
  return cores === undefined ? {} : { others_cpu: cores };
}

function reason(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
