/** From the words of a command line to a command and what it is given. Throws CommandError for whatever is wrong. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { milliseconds } from '../core/duration.ts';
import { messageFrom, show } from '../core/errors.ts';
import type { Command } from './command.ts';
import type { Argument, Option, Parameter } from './parameter.ts';
import { CommandError } from './exit.ts';
import type { Host } from './host.ts';
import { COMMON } from './options.ts';

export interface Parsed {
  /** Undefined where only help or the version is asked for. */
  readonly command: Command | undefined;
  /** Words that were given and name no command. */
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, readonly string[]>;
}

/** What stands for a flag that was given. */
const SET = 'true';

/** Finds the command and the options, and refuses those that it doesn't have. */
export function parseLine(commands: readonly Command[], args: readonly string[]): Parsed {
  const known = allOptions(commands);
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Array.from(known, ([name, { kind, short }]) => [
        name,
        {
          type: kind === 'flag' ? 'boolean' : 'string',
          multiple: true,
          ...(short === undefined ? {} : { short }),
        },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  const command = findCommand(commands, words);
  const own: Readonly<Record<string, Option>> = { ...COMMON, ...command?.options };
  const options = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const option = own[name];
    if (option === undefined) throw unknownOption(rawName, command, Object.keys(own));
    if (option.kind === 'flag' && value !== undefined)
      throw usage(`${rawName} takes no value, and was given ${show(value)}`, command);
    if (option.kind !== 'flag' && value === undefined) throw usage(`${rawName} needs a value`, command);
    options.set(name, [...(options.get(name) ?? []), value ?? SET]);
  }
  const rest = command === undefined ? words : words.slice(command.name.split(' ').length);
  return { command, words: rest, options };
}

/** An option means the same, and is a flag or not, in every command that has it. */
function allOptions(commands: readonly Command[]): ReadonlyMap<string, Option> {
  const entries = commands.flatMap((command) => Object.entries(command.options));
  return new Map([...entries, ...Object.entries<Option>(COMMON)]);
}

/** The command with the longest name that the words begin with. */
export function findCommand(commands: readonly Command[], words: readonly string[]): Command | undefined {
  return commands
    .filter(({ name }) => name.split(' ').every((word, index) => words[index] === word))
    .toSorted((one, other) => other.name.length - one.name.length)[0];
}

/** Reads what a command was given as what its arguments and options are. */
export async function readGiven(
  command: Command,
  { words, options }: Pick<Parsed, 'words' | 'options'>,
  host: Pick<Host, 'stdin' | 'folder'>,
): Promise<Readonly<Record<string, unknown>>> {
  const given: Record<string, unknown> = {};
  const rest = [...words];
  for (const [name, argument] of Object.entries(command.arguments)) {
    const texts = argument.many === true ? rest.splice(0) : rest.splice(0, 1);
    given[name] = await readArgument(name, argument, texts, command, host);
  }
  if (rest.length > 0) throw usage(`${show(rest[0])} is one word too many`, command);
  for (const [name, option] of Object.entries(command.options)) {
    given[name] = await readOption(name, option, options.get(name) ?? [], command, host);
  }
  return given;
}

async function readArgument(
  name: string,
  argument: Argument,
  texts: readonly string[],
  command: Command,
  host: Pick<Host, 'stdin' | 'folder'>,
): Promise<unknown> {
  if (texts.length === 0 && argument.optional !== true)
    throw usage(`${name.toUpperCase()} is missing: ${argument.about}`, command);
  const values: unknown[] = [];
  for (const text of texts) values.push(await readValue(name.toUpperCase(), argument, text, command, host));
  return argument.many === true ? values : values[0];
}

async function readOption(
  name: string,
  option: Option,
  texts: readonly string[],
  command: Command,
  host: Pick<Host, 'stdin' | 'folder'>,
): Promise<unknown> {
  if (option.kind === 'flag') return texts.length === 0 ? undefined : true;
  if (option.many !== true && texts.length > 1)
    throw usage(`--${name} is given ${texts.length} times`, command);
  // Names may have commas in them; what there is to choose from has none.
  const parts = option.choices === undefined ? texts : texts.flatMap((text) => text.split(','));
  const values: unknown[] = [];
  for (const text of parts) values.push(await readValue(`--${name}`, option, text, command, host));
  return option.many === true ? values : values[0];
}

async function readValue(
  name: string,
  parameter: Parameter,
  text: string,
  command: Command,
  host: Pick<Host, 'stdin' | 'folder'>,
): Promise<unknown> {
  const refuse = (problem: string): never => {
    throw usage(`${name} is ${show(text)}: ${problem}`, command);
  };
  const { choices } = parameter;
  if (choices !== undefined && !choices.includes(text)) {
    const meant = nearest(text, choices);
    refuse(`it must be one of ${choices.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  switch (parameter.kind) {
    case 'number':
      return /^-?\d+$/.test(text) ? Number(text) : refuse('it must be a whole number');
    case 'id':
      return /^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(Number(text))
        ? Number(text)
        : refuse('it must be the id of a task, a whole number from 1');
    case 'duration':
      return milliseconds(text) === undefined
        ? refuse("it must be a time such as '30s', '5m' or '2h'")
        : text;
    case 'time': {
      const time = new Date(text);
      return Number.isNaN(time.getTime()) ? refuse("it must be a time such as '2026-12-24T18:00Z'") : time;
    }
    case 'json':
      return readJson(text, refuse, host);
    default:
      return text;
  }
}

async function readJson(
  given: string,
  refuse: (problem: string) => never,
  { stdin, folder }: Pick<Host, 'stdin' | 'folder'>,
): Promise<unknown> {
  let text = given;
  if (given === '-') text = await readAll(stdin);
  if (given.startsWith('@')) {
    text = await readFile(resolve(folder, given.slice(1)), 'utf8').catch((error: unknown) =>
      refuse(`the file cannot be read: ${messageFrom(error)}`),
    );
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    return refuse(`it is not JSON (${messageFrom(error)}); texts need quotes of their own: '"text"'`);
  }
}

function unknownOption(name: string, command: Command | undefined, known: readonly string[]): CommandError {
  const meant = nearest(name.replace(/^-+/, ''), known);
  const hint = meant === undefined ? '' : `; did you mean --${meant}?`;
  return usage(
    `there is no option ${name}${command === undefined ? '' : ` of ${command.name}`}${hint}`,
    command,
  );
}

export function usage(message: string, command: Pick<Command, 'name'> | undefined): CommandError {
  const words = command === undefined ? '' : ` ${command.name}`;
  return new CommandError('usage', message, `Run: taskbaton help${words}`);
}

/** Of `names` the one that `text` was probably meant to be. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  const scored = names.map((name) => ({ name, distance: distance(text, name) }));
  const best = scored.toSorted((one, other) => one.distance - other.distance)[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(text.length / 3))
    ? best.name
    : undefined;
}

/** How many characters must be added, removed or replaced to make the one of the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index++) {
    const character = one[index];
    const next = [index + 1];
    for (let place = 1; place <= other.length; place++) {
      const replaced = (row[place - 1] ?? 0) + (character === other[place - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[place] ?? 0) + 1, (next[place - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
