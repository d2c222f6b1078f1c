/** Counters, gauges and histograms, and the text that Prometheus reads (exposition format 0.0.4). */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** What comes after the name of the family. */
  readonly suffix?: string;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples };
}

export class Counter {
  readonly #head: Omit<Family, 'samples'>;
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(name: string, help: string) {
    this.#head = { name, help, type: 'counter' };
  }

  add(value: number, labels: Labels): void {
    const key = JSON.stringify(labels);
    const found = this.#values.get(key) ?? { labels, value: 0 };
    found.value += value;
    this.#values.set(key, found);
  }

  get family(): Family {
    return { ...this.#head, samples: [...this.#values.values()] };
  }
}

/** From a millisecond to ten seconds. */
const BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Distribution {
  readonly labels: Labels;
  readonly counts: number[];
  count: number;
  sum: number;
}

export class Histogram {
  readonly #head: Omit<Family, 'samples'>;
  readonly #distributions = new Map<string, Distribution>();

  constructor(name: string, help: string) {
    this.#head = { name, help, type: 'histogram' };
  }

  observe(value: number, labels: Labels): void {
    const key = JSON.stringify(labels);
    const none = { labels, counts: BOUNDS.map(() => 0), count: 0, sum: 0 };
    const found = this.#distributions.get(key) ?? none;
    for (const [index, bound] of BOUNDS.entries())
      if (value <= bound) found.counts[index] = (found.counts[index] ?? 0) + 1;
    found.count += 1;
    found.sum += value;
    this.#distributions.set(key, found);
  }

  get family(): Family {
    const samples = Array.from(this.#distributions.values(), ({ labels, counts, count, sum }) => [
      ...BOUNDS.map((bound, index) => ({
        suffix: '_bucket',
        labels: { ...labels, le: String(bound) },
        value: counts[index] ?? 0,
      })),
      { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
      { suffix: '_sum', labels, value: sum },
      { suffix: '_count', labels, value: count },
    ]);
    return { ...this.#head, samples: samples.flat() };
  }
}

export function textOf(families: readonly Family[]): string {
  return families
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelsText(labels)} ${value}`),
      '',
    ])
    .join('\n');
}

function labelsText(labels: Labels): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return '';
  return `{${entries.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
