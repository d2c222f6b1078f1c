/** The command that looks for what may be wrong, and says what to do about it. */
import { type Command, command } from '../command.ts';
import { diagnose, type Finding } from '../diagnosis.ts';
import { type Format, hanging, type Line, TAB } from '../screen/line.ts';
import { count } from '../screen/time.ts';

const LOOKS: Readonly<Record<Finding['verdict'], readonly [mark: string, format: Format]>> = {
  good: ['✔', 'green'],
  warning: ['▲', 'yellow'],
  error: ['✘', 'red'],
};

export const doctor: Command = command({
  name: 'doctor',
  section: 'Start',
  summary: 'Looks for what may be wrong, and says what to do about it.',
  about:
    'Node.js, driver, connection, tables, clock, durability, replicas, leases, types that nobody runs, failed cleanups, tasks that do not stop. It changes nothing.',
  arguments: {},
  options: {},
  examples: ['doctor', 'doctor --json | jq .findings[].advice'],
  async run(_given, session) {
    const findings: Finding[] = [];
    for await (const finding of diagnose(session)) findings.push(finding);
    const errors = findings.filter(({ verdict }) => verdict === 'error').length;
    const warnings = findings.filter(({ verdict }) => verdict === 'warning').length;
    return {
      json: { healthy: errors === 0, findings },
      show: (screen) => {
        if (!screen.live)
          return findings.map(({ check, verdict, text, advice }): Line => [
            verdict,
            TAB,
            check,
            TAB,
            text,
            ...(advice === undefined ? [] : [TAB, advice]),
          ]);
        const size = Math.max(...findings.map(({ check }) => check.length)) + 2;
        const lines = findings.flatMap((finding) => findingLines(finding, size, screen.width));
        const verdict: Line =
          errors > 0
            ? [[`${count(errors, 'error')}, ${count(warnings, 'warning')}`, 'red']]
            : warnings > 0
              ? [[`no error, ${count(warnings, 'warning')}`, 'yellow']]
              : [['All is well.', 'green']];
        return [...lines, [], verdict];
      },
      exit: errors > 0 ? 'failure' : 'ok',
    };
  },
});

function findingLines(
  { check, verdict, text, advice }: Finding,
  size: number,
  width: number,
): readonly Line[] {
  const [mark, format] = LOOKS[verdict];
  const indent = size + 2;
  const begin: Line = [[mark, format], ' ', [check.padEnd(size), 'dim']];
  return [
    ...hanging(begin, text, indent, width),
    ...(advice === undefined ? [] : hanging([' '.repeat(indent), ['→ ', format]], advice, indent + 2, width)),
  ];
}
