/** All words of the page, in the language chosen. A component that asks for them is drawn again when that changes. */
import { type Language, language } from '../settings.ts';
import { english } from './en.ts';
import type { Words } from './words.ts';
import { chinese } from './zh-CN.ts';

const LANGUAGES: Readonly<Record<Language, Words>> = { en: english, 'zh-CN': chinese };

export function text(): Words {
  return LANGUAGES[language.value];
}
