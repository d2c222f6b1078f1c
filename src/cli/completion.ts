/**
 * Completion for shells, made from the table of commands: the words that may follow, the options of a command and the
 * values that there are to choose from. The scripts hold everything; completing starts no process.
 */
import type { Command } from './command.ts';
import type { Option } from './parameter.ts';
import { COMMON } from './options.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, commands: readonly Command[]): string {
  return { bash, zsh, fish }[shell](commands);
}

/** What may follow on a command line that begins with `words`. */
interface Node {
  readonly words: string;
  readonly next: readonly string[];
  readonly options: readonly (readonly [name: string, option: Option])[];
}

function nodesOf(commands: readonly Command[]): readonly Node[] {
  const firsts = new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''));
  const common = Object.entries(COMMON);
  return [
    { words: '', next: [...firsts], options: common },
    ...commands.map(({ name, options, arguments: given }) => ({
      words: name,
      next: [
        ...commands
          .filter((other) => other.name.startsWith(`${name} `))
          .map((other) => other.name.split(' ')[1] ?? ''),
        ...(Object.values(given)[0]?.choices ?? []),
      ],
      options: [...Object.entries(options), ...common],
    })),
  ];
}

function flags(options: Node['options']): readonly string[] {
  return options.flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]);
}

/** All options with values to choose from, which are the same wherever they are. */
function choices(
  commands: readonly Command[],
): readonly (readonly [names: readonly string[], values: readonly string[]])[] {
  const all = new Map(commands.flatMap(({ options }) => Object.entries(options)));
  return Array.from(all).flatMap(([name, option]) =>
    option.choices === undefined ? [] : [[flags([[name, option]]), option.choices] as const],
  );
}

/** Options whose value is a file. */
const FILES = ['--config'];

/** Options after which a word is their value, not a command. */
function valued(commands: readonly Command[]): readonly string[] {
  const all = new Map([
    ...commands.flatMap(({ options }) => Object.entries(options)),
    ...Object.entries<Option>(COMMON),
  ]);
  return Array.from(all).flatMap(([name, option]) => (option.kind === 'flag' ? [] : flags([[name, option]])));
}

function bash(commands: readonly Command[]): string {
  const nodes = nodesOf(commands);
  return `# Completion of taskbaton for bash.
_taskbaton() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="" next="" index
  COMPREPLY=()
  case "$before" in
${choices(commands)
  .map(
    ([names, values]) =>
      `    ${names.join('|')}) COMPREPLY=($(compgen -W "${values.join(' ')}" -- "$word")); return ;;`,
  )
  .join('\n')}
    ${FILES.join('|')}) COMPREPLY=($(compgen -f -- "$word")); return ;;
    ${valued(commands).join('|')}) return ;;
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "\${COMP_WORDS[index]}" in
      ${valued(commands).join('|')}) ((index++)) ;;
      -*) ;;
      *)
        next="\${command:+$command }\${COMP_WORDS[index]}"
        case "$next" in
          ${nodes
            .slice(1)
            .map(({ words }) => `"${words}"`)
            .join('|')}) command="$next" ;;
        esac ;;
    esac
  done
  case "$command" in
${nodes
  .map(
    ({ words, next, options }) =>
      `    "${words}") COMPREPLY=($(compgen -W "${[...next, ...flags(options)].join(' ')}" -- "$word")) ;;`,
  )
  .join('\n')}
  esac
}
complete -F _taskbaton taskbaton`;
}

function zsh(commands: readonly Command[]): string {
  const nodes = nodesOf(commands);
  const described = (words: string, name: string): string => {
    const full = words === '' ? name : `${words} ${name}`;
    const summary = commands.find((command) => command.name === full)?.summary ?? '';
    return quoted(`${name}:${summary.replaceAll(':', '\\:')}`);
  };
  const option = ([name, { about }]: Node['options'][number]): string =>
    quoted(`--${name}:${about.replaceAll(':', '\\:')}`);
  return `#compdef taskbaton
# Completion of taskbaton for zsh.
_taskbaton() {
  local command="" next="" index
  case "$words[CURRENT-1]" in
${choices(commands)
  .map(([names, values]) => `    ${names.join('|')}) compadd -- ${values.join(' ')}; return ;;`)
  .join('\n')}
    ${FILES.join('|')}) _files; return ;;
    ${valued(commands).join('|')}) return ;;
  esac
  for ((index = 2; index < CURRENT; index++)); do
    case "$words[index]" in
      ${valued(commands).join('|')}) ((index++)) ;;
      -*) ;;
      *)
        next="\${command:+$command }$words[index]"
        case "$next" in
          ${nodes
            .slice(1)
            .map(({ words }) => quoted(words))
            .join('|')}) command="$next" ;;
        esac ;;
    esac
  done
  local -a follow options
  case "$command" in
${nodes
  .map(
    ({ words, next, options }) =>
      `    ${quoted(words)})
      follow=(${next.map((name) => described(words, name)).join(' ')})
      options=(${options.map(option).join(' ')}) ;;`,
  )
  .join('\n')}
  esac
  if [[ "$PREFIX" == -* ]]; then
    _describe -o option options
  else
    _describe command follow
  fi
}
if [[ "$funcstack[1]" == _taskbaton ]]; then _taskbaton "$@"; else compdef _taskbaton taskbaton; fi`;
}

function fish(commands: readonly Command[]): string {
  const nodes = nodesOf(commands);
  const lines = nodes.flatMap(({ words, next, options }) => {
    const here = `-n ${quoted(`__taskbaton_at ${quoted(words)}`)}`;
    const summary = (name: string): string =>
      commands.find((command) => command.name === (words === '' ? name : `${words} ${name}`))?.summary ?? '';
    return [
      ...next.map((name) => `complete -c taskbaton ${here} -a ${name} -d ${quoted(summary(name))}`),
      ...options.map(([name, { short, kind, choices: values, about }]) => {
        const parts = [
          'complete -c taskbaton',
          here,
          `-l ${name}`,
          ...(short === undefined ? [] : [`-s ${short}`]),
          ...(kind === 'flag' ? [] : [FILES.includes(`--${name}`) ? '-rF' : '-x']),
          ...(values === undefined ? [] : [`-a ${quoted(values.join(' '))}`]),
          `-d ${quoted(about)}`,
        ];
        return parts.join(' ');
      }),
    ];
  });
  return `# Completion of taskbaton for fish.
function __taskbaton_at
  set -l command
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip -eq 1
      set skip 0
      continue
    end
    switch $word
      case ${valued(commands).map(quoted).join(' ')}
        set skip 1
      case '-*'
      case '*'
        if contains -- (string join ' ' $command $word) ${nodes
          .slice(1)
          .map(({ words }) => quoted(words))
          .join(' ')}
          set command $command $word
        end
    end
  end
  test "$command" = "$argv[1]"
end
complete -c taskbaton -f
${lines.join('\n')}`;
}

/** In single quotes, as all shells understand them; there are no backslashes before others in our texts. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
