/** What a command takes: arguments by their places and options by their names, as data, with the types of what comes of them. */

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
