/**
 * The options of our own tools. `--help` prints what the tool's file opens with, and whatever can't be meant ends the tool with 2 and
 * one line that says why, before it has done anything.
 */
import { readFileSync } from 'node:fs';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options }>
>['values'];

/** `file` is the tool's own, as it knows it by `import.meta.filename`. */
export function readOptions<const Options extends ParseArgsOptionsConfig>(
  file: string,
  options: Options,
): Values<Options> {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    console.log(openingOf(file));
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** The names of a list with commas between, each of which must be known; none of an empty one. */
export function choose<Name extends string>(list: string, known: readonly Name[]): readonly Name[] {
  if (list.trim() === '') return [];
  return list.split(',').map((given) => {
    const name = known.find((candidate) => candidate === given.trim());
    return name ?? refuse(`${given.trim()} is none of ${known.join(', ')}`);
  });
}

/** The number that an option's text says, which must be above 0. */
export function positive(name: string, text: string): number {
  const value = Number(text);
  return value > 0 ? value : refuse(`--${name} is a number above 0, not ${text}`);
}

export function refuse(problem: string): never {
  console.error(`${problem} (--help says what there is)`);
  process.exit(2);
}

function openingOf(file: string): string {
  const [, opening = ''] = /^\/\*\*(.*?)\*\//s.exec(readFileSync(file, 'utf8')) ?? [];
  return opening.replaceAll(/^ *\* ?/gm, '').trim();
}
