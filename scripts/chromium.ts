/**
 * A Chromium for the tests of the page and for its pictures: the one that TASKBATON_CHROMIUM names, one that is installed,
 * or Debian's, installed now. Never none: what can't be tested must fail.
 */
import { existsSync } from 'node:fs';
import { serverProgram } from './server-program.ts';

export interface EnsuredChromium {
  readonly program: string;
  /** Where it was found, for people. */
  readonly source: string;
}

export const CHROMIUM_VARIABLE = 'TASKBATON_CHROMIUM';

/** As root, containers and all, Chromium can't have a sandbox; what it is shown here is ours. */
export const CHROMIUM_OPTIONS: readonly string[] = [
  '--no-sandbox',
  '--disable-dev-shm-usage',
  '--font-render-hinting=none',
];

export function ensureChromium(): EnsuredChromium {
  const named = process.env[CHROMIUM_VARIABLE] ?? '';
  if (named !== '') {
    if (!existsSync(named)) throw new Error(`There is no program at ${CHROMIUM_VARIABLE}=${named}.`);
    return { program: named, source: CHROMIUM_VARIABLE };
  }
  const program = serverProgram({
    server: 'Chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    // With letters for both languages of the page.
    debianPackages: ['chromium', 'fonts-inter', 'fonts-jetbrains-mono', 'fonts-noto-cjk'],
    variable: CHROMIUM_VARIABLE,
    problem: 'Chromium is not installed',
  });
  return { program, source: program };
}
