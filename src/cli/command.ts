/**
 * A command as data: its name, its arguments, its options and what it does. Parsing, help, completion and the guide are
 * derived from such records; nothing else knows what the command line looks like.
 */
import type { Exit } from './exit.ts';
import type { Line } from './screen/line.ts';
import type { Screen } from './screen/screen.ts';
import type { Session } from './session.ts';

/** What a text on the command line is read as. */
interface Kinds {
  readonly flag: true;
  readonly text: string;
  readonly number: number;
  /** The number of a task. */
  readonly id: number;
  readonly duration: `${number}s`;
  readonly time: Date;
  /** JSON itself, `@file` or `-` for the standard input. */
  readonly json: unknown;
}

export interface Parameter {
  readonly kind: keyof Kinds;
  readonly about: string;
  /** What stands for its value in help. */
  readonly value?: string;
  /** The only values it may have. */
  readonly choices?: readonly string[];
  /** It may be given several times (an option: or as a list with commas). */
  readonly many?: true;
}

export interface Option extends Parameter {
  readonly short?: string;
  /** The variable that is read where the option isn't given. */
  readonly environment?: string;
}

export interface Argument extends Parameter {
  readonly optional?: true;
}

export type Options = Readonly<Record<string, Option>>;
export type Arguments = Readonly<Record<string, Argument>>;

type ValueOf<P extends Parameter> = P extends { readonly many: true }
  ? readonly Kinds[P['kind']][]
  : Kinds[P['kind']];

/** What a command is given: options are undefined (lists: empty) where they weren't named. */
export type Given<A extends Arguments, O extends Options> = {
  readonly [Name in keyof A]: A[Name] extends { readonly optional: true }
    ? A[Name] extends { readonly many: true }
      ? ValueOf<A[Name]>
      : ValueOf<A[Name]> | undefined
    : ValueOf<A[Name]>;
} & {
  readonly [Name in keyof O]: O[Name] extends { readonly many: true }
    ? ValueOf<O[Name]>
    : ValueOf<O[Name]> | undefined;
};

/** What came of a command: the same for programs and for people. */
export interface Result {
  /** Undefined where everything has been said already. */
  readonly json: unknown;
  show(screen: Screen): readonly Line[];
  /** `ok` by default. */
  readonly exit?: Exit;
}

export type Section = 'Start' | 'Tasks' | 'Queues' | 'Replicas' | 'Shell';

export interface CommandSpec<A extends Arguments, O extends Options> {
  /** One word, or two: what it is about, and what is done to it. */
  readonly name: string;
  readonly section: Section;
  /** Half a line. */
  readonly summary: string;
  /** More, in whole sentences. */
  readonly about?: string;
  readonly arguments: A;
  readonly options: O;
  readonly examples: readonly string[];
  /** Without a result, it has shown everything itself. */
  run(given: Given<A, O>, session: Session): Promise<Result | undefined>;
}

export type Command = CommandSpec<Arguments, Options>;

/** A record whose `run` is typed by its own arguments and options. */
export function command<const A extends Arguments, const O extends Options>(
  spec: CommandSpec<A, O>,
): Command {
  return spec;
}
