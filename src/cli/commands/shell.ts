/** Commands about the program itself. */
import { type Command, command } from '../command.ts';
import { completionScript, SHELLS, type Shell } from '../completion.ts';
import { commandHelp, overview } from '../help.ts';
import { findCommand, usage } from '../parse.ts';
import type { Line } from '../screen/line.ts';
import { version as packageVersion } from '../version.ts';

/** They tell of all commands, themselves included. */
export function shellCommands(all: () => readonly Command[]): readonly Command[] {
  return [makeCompletion(all), makeHelp(all), version];
}

function makeHelp(all: () => readonly Command[]): Command {
  return command({
    name: 'help',
    section: 'Shell',
    summary: 'Says what there is to say about a command.',
    arguments: {
      command: { kind: 'text', many: true, optional: true, about: 'The command; all of them by default.' },
    },
    options: {},
    examples: ['help', 'help pause', 'help groups pause'],
    async run({ command: words }) {
      const commands = all();
      if (words.length === 0)
        return { json: commands.map(describe), show: ({ width }) => overview(commands, width) };
      const found = findCommand(commands, words);
      if (found === undefined)
        throw usage(`there is no command ${JSON.stringify(words.join(' '))}`, undefined);
      return { json: describe(found), show: ({ width }) => commandHelp(found, commands, width) };
    },
  });
}

function describe({ name, section, summary, about, options, examples, ...rest }: Command): object {
  return { name, section, summary, about, arguments: rest.arguments, options, examples };
}

function makeCompletion(all: () => readonly Command[]): Command {
  return command({
    name: 'completion',
    section: 'Shell',
    summary: 'Prints what makes a shell complete commands, options and their values.',
    arguments: { shell: { kind: 'text', choices: SHELLS, about: 'For which shell.' } },
    options: {},
    examples: [
      'completion bash > ~/.local/share/bash-completion/completions/taskbaton',
      'completion zsh > "${fpath[1]}/_taskbaton"',
      'completion fish > ~/.config/fish/completions/taskbaton.fish',
    ],
    async run({ shell }) {
      const script = completionScript(shell as Shell, all());
      return { json: { shell, script }, show: () => script.split('\n').map((line): Line => [line]) };
    },
  });
}

const version: Command = command({
  name: 'version',
  section: 'Shell',
  summary: 'Prints the version of taskbaton.',
  arguments: {},
  options: {},
  examples: ['version'],
  async run() {
    return { json: { version: packageVersion() }, show: () => [[packageVersion()]] };
  },
});
