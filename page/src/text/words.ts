/** What every language must have, as the English words define it. */
import type { english } from './en.ts';

/** The same keys in every language, with the same parameters: anything missing doesn't compile. */
export type Words = Widened<typeof english>;

type Widened<T> = {
  readonly [Key in keyof T]: T[Key] extends string | undefined
    ? T[Key] extends string
      ? string
      : T[Key]
    : T[Key] extends (...given: infer Given) => string
      ? (...given: Given) => string
      : Widened<T[Key]>;
};
