/** The way to a violation as a sequence diagram, from the lines that a model prints: `@from>to|words|number`. */

/** As numbered in `model/properties.pml`. */
const USER = 8;
const CLEANER = 9;
const ROW = 0;
const WISHES = ['', 'run', 'pause', 'delete'];

interface Step {
  readonly from: number;
  readonly to: number;
  readonly words: string;
}

export function sequence(lines: readonly string[], violated: string): string {
  const steps = lines.map(stepOf);
  const nodes = [...new Set(steps.map(({ from }) => from).filter((from) => from < USER))];
  const actors = [
    ...(steps.some(({ from }) => from === USER) ? ['  actor user'] : []),
    ...nodes.map((_, index) => `  participant node${index + 1} as node ${index + 1}`),
    '  participant row as the task’s row',
    ...(steps.some(({ from }) => from === CLEANER) ? ['  participant cleaner as the cleaner'] : []),
  ];
  const name = (actor: number): string => {
    if (actor === USER) return 'user';
    if (actor === CLEANER) return 'cleaner';
    return actor === ROW ? 'row' : `node${nodes.indexOf(actor) + 1}`;
  };
  const arrows = steps.map(({ from, to, words }) => `  ${name(from)}->>${name(to)}: ${words}`);
  return ['```mermaid', 'sequenceDiagram', ...actors, ...arrows, `  Note over row: ${violated}`, '```'].join(
    '\n',
  );
}

function stepOf(line: string): Step {
  const [, from, to, words = '', number] = /^@(\d+)>(\d+)\|(.*)\|(-?\d+)$/.exec(line) ?? [];
  const count = Number(number);
  const detail = words === 'asks to' ? ` ${WISHES[count] ?? ''}` : count < 0 ? '' : ` ${count}`;
  return { from: Number(from), to: Number(to), words: `${words}${detail}` };
}
