/** `docs/guide/cli.md`: the command line, its reference made from the table of commands in `src/cli/commands.ts`. */
import type { Command, Section } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { EXIT_ENTRIES } from '../../src/cli/exit.ts';
import { aboutOf, flagsOf, SECTIONS, usageOf } from '../../src/cli/help.ts';
import { COMMON } from '../../src/cli/options.ts';
import type { Option } from '../../src/cli/parameter.ts';
import { table } from './markdown.ts';

export function cliPage(): string {
  const overview = COMMANDS.map(({ name, summary }) => [
    `[\`${name}\`](#${name.replaceAll(' ', '-')})`,
    summary,
  ]);
  return `# The command line

\`npx taskbaton\` sees and steers the tasks in a database, and changes nothing else: it is never a replica, runs no
task, and makes tables only if it is told to. The reference below is made from the same table of commands that the program
parses by, by \`npm run docs\`.

\`\`\`sh
npx taskbaton demo                                    # three replicas, one of which dies, and what becomes of their tasks
npx taskbaton migrate --db postgres://localhost/app   # make the tables
npx taskbaton doctor                                  # is all well? (TASKBATON_DB says where from here on)
npx taskbaton watch                                   # tasks and replicas while they work
npx taskbaton pause --group imports                   # says how many that would be, and asks
\`\`\`

## Where the tasks are

The database is named by \`--db\`, else by the variable \`TASKBATON_DB\` (better for passwords, which others can read in a list of
processes), else by \`taskbaton.config.ts\` in the folder it is called in. Passwords are never printed.

The configuration exports the options of your \`new Taskbaton({ … })\`, or some of them. Node.js itself takes the types out of it, so it needs no
build. With a [codec](encryption.md) in it, encrypted payloads can be read; with \`tasks\`, the inputs of new tasks are checked.

\`\`\`ts
import type { TaskbatonOptions } from 'taskbaton';

const config: Partial<TaskbatonOptions> = {
  db: process.env['DATABASE_URL'] ?? 'sqlite:tasks.db',
  prefix: 'mail_',
};
export default config;
\`\`\`

The drivers of PostgreSQL and MySQL are those of your project: \`npm install pg\` or \`npm install mysql2\`. Outside of a project,
\`npx -p taskbaton -p pg taskbaton …\` does.

## What it prints

In a terminal: tables as wide as it is, bars and colours. Elsewhere: a line for each thing, its values separated by tabs under a line
with their names, nothing cut and nothing coloured. With \`--json\`: JSON on one line. Colours follow \`NO_COLOR\` and \`FORCE_COLOR\`. Times for people are those of
your time zone, for programs ISO 8601 in UTC. Whatever in a task could steer a terminal is written out.

Errors go to the standard error: what is wrong, and below it what to do. With \`--json\` they are
\`{ "error": { "code", "message", "remedy" } }\`, with the [codes of the library](../errors.md); with \`--debug\` their stacks follow.

## Changes of many tasks

\`run\`, \`pause\`, \`move\` and \`delete\` take ids, or the options \`--user\`, \`--group\`, \`--type\`, \`--state\` (all that are given must fit) or
\`--all\`. Then they count first how many tasks would change, and ask. Where nobody can answer they refuse, with exit code 2, unless \`--yes\` is given.

## Exit codes

${table(
  ['Code', 'Name', 'When'],
  EXIT_ENTRIES.map(([name, { code, about }]) => [`${code}`, name, about]),
)}

## In your shell

\`taskbaton completion bash|zsh|fish\` prints what makes a shell complete commands, options and values; see [there](#completion) where to put it.

## Commands

${table(['Command', ''], overview)}

These options belong to all of them:

${optionTable(COMMON)}

${SECTIONS.map(sectionText).join('\n')}`;
}

function sectionText(section: Section): string {
  const own = COMMANDS.filter((command) => command.section === section);
  return own.map(commandText).join('\n');
}

function commandText(command: Command): string {
  const { name, summary, about, examples, options } = command;
  const given = Object.entries(command.arguments).map(([argument, { about: what, choices }]) => [
    `\`${argument.toUpperCase()}\``,
    `${what}${choices === undefined ? '' : ` One of ${choices.join(', ')}.`}`,
  ]);
  const parts = [
    `### ${name}`,
    `\`${usageOf(command)}\``,
    `${summary}${about === undefined ? '' : ` ${about}`}`,
    ...(given.length === 0 ? [] : [table(['Argument', ''], given)]),
    ...(Object.keys(options).length === 0 ? [] : [optionTable(options)]),
    ...(examples.length === 0
      ? []
      : [`\`\`\`sh\n${examples.map((line) => `taskbaton ${line}`).join('\n')}\n\`\`\``]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function optionTable(options: Readonly<Record<string, Option>>): string {
  return table(
    ['Option', ''],
    Object.entries(options).map(([name, option]) => [`\`${flagsOf(name, option).trim()}\``, aboutOf(option)]),
  );
}
