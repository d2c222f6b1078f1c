/**
 * A command as data: its name, its arguments, its options and what it does. Parsing, help, completion and the guide are
 * derived from such records; nothing else knows what the command line looks like.
 */
import type { Arguments, Given, Options } from './parameter.ts';
import type { Result } from './result.ts';
import type { Session } from './session.ts';

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
