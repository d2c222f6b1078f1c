/** All words of the page, in the language chosen. A component that asks for them is drawn again when that changes. */
import { type Language, language } from '../settings.ts';
import { english } from './en.ts';
import { chinese } from './zh-CN.ts';

/** The same keys in every language, with the same parameters: anything missing doesn't compile. */
export type Words = Widened<typeof english>;

type Widened<T> = {
  readonly [Key in keyof T]: T[Key] extends string
    ? string
    : T[Key] extends (...given: infer Given) => string
      ? (...given: Given) => string
      : Widened<T[Key]>;
};

const LANGUAGES: Readonly<Record<Language, Words>> = { en: english, 'zh-CN': chinese };

export function text(): Words {
  return LANGUAGES[language.value];
}
