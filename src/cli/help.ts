/** Help, made from the table of commands: an overview of all, and all about one. */
import type { Command, Section } from './command.ts';
import type { Argument, Option } from './parameter.ts';
import { EXIT_ENTRIES } from './exit.ts';
import { COMMON } from './options.ts';
import { hanging, type Line } from './screen/line.ts';

export const SECTIONS: readonly Section[] = ['Start', 'Tasks', 'Queues', 'Replicas', 'Shell'];

/** Where explanations begin. */
const INDENT = 22;

export function overview(commands: readonly Command[], width: number): readonly Line[] {
  return [
    [['taskbaton', 'bold'], ' sees and steers long tasks in a database.'],
    [],
    [['Usage', 'bold'], '  taskbaton COMMAND … [--db URL]'],
    ...SECTIONS.flatMap((section): readonly Line[] => [
      [],
      [[section, 'bold']],
      ...commands
        .filter((command) => command.section === section)
        .flatMap(({ name, summary }) => entry(name, summary, width)),
    ]),
    [],
    [['Options of all commands', 'bold']],
    ...optionLines(COMMON, width),
    [],
    ...hanging([], `taskbaton help COMMAND says more. Exit codes: ${exitCodes()}`, 0, width),
  ];
}

function exitCodes(): string {
  return `${EXIT_ENTRIES.map(([name, { code }]) => `${code} ${name}`).join(', ')}.`;
}

export function commandHelp(command: Command, commands: readonly Command[], width: number): readonly Line[] {
  const { summary, about, examples } = command;
  const more = commands.filter(({ name }) => name.startsWith(`${command.name} `));
  const block = (title: string, lines: readonly Line[]): readonly Line[] =>
    lines.length === 0 ? [] : [[], [[title, 'bold']], ...lines];
  return [
    [['Usage', 'bold'], `  ${usageOf(command)}`],
    [],
    ...hanging([], `${summary}${about === undefined ? '' : ` ${about}`}`, 0, width),
    ...block(
      'Arguments',
      Object.entries(command.arguments).flatMap((argument) => argumentLines(argument, width)),
    ),
    ...block('Options', optionLines(command.options, width)),
    ...block('Options of all commands', optionLines(COMMON, width)),
    ...block(
      'See also',
      more.flatMap(({ name, summary: what }) => entry(name, what, width)),
    ),
    ...block(
      'Examples',
      examples.map((example): Line => [['  $ ', 'dim'], `taskbaton ${example}`]),
    ),
  ];
}

/** `taskbaton pause [ID…] [OPTIONS]` */
export function usageOf({ name, arguments: given, options }: Command): string {
  const words = Object.entries(given).map(([argument, spec]) => {
    const word = `${argument.toUpperCase()}${spec.many === true ? '…' : ''}`;
    return spec.optional === true ? `[${word}]` : word;
  });
  return ['taskbaton', name, ...words, ...(Object.keys(options).length === 0 ? [] : ['[OPTIONS]'])].join(' ');
}

function argumentLines(
  [name, { about, choices }]: readonly [string, Argument],
  width: number,
): readonly Line[] {
  const list = choices === undefined ? '' : ` One of ${choices.join(', ')}.`;
  return entry(name.toUpperCase(), `${about}${list}`, width);
}

function optionLines(options: Readonly<Record<string, Option>>, width: number): readonly Line[] {
  return Object.entries(options).flatMap(([name, option]) =>
    entry(flagsOf(name, option), aboutOf(option), width),
  );
}

/** A term and, beside it, what it means. */
function entry(term: string, meaning: string, width: number): readonly Line[] {
  const begin: Line = ['  ', [term.padEnd(INDENT - 2), 'cyan'], term.length > INDENT - 4 ? '  ' : ''];
  return hanging(begin, meaning, INDENT, width);
}

/** `-g, --group NAME` */
export function flagsOf(name: string, { short, kind, value }: Option): string {
  const long = `--${name}${kind === 'flag' ? '' : ` ${value ?? kind.toUpperCase()}`}`;
  return short === undefined ? `    ${long}` : `-${short}, ${long}`;
}

export function aboutOf({ about, many, choices, environment }: Option): string {
  return [
    about,
    ...(choices === undefined ? [] : [`One of ${choices.join(', ')}.`]),
    ...(many === true ? ['May be repeated.'] : []),
    ...(environment === undefined ? [] : [`Or ${environment}.`]),
  ].join(' ');
}
