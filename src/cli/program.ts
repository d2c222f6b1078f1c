/**
 * The program: finds the command, runs it, shows what came of it, and ends with a code that says how it went. Whatever
 * is thrown ends here, in two lines on the standard error: what is wrong, and what to do about it.
 */
import { TaskbatonError } from '../core/errors.ts';
import { COMMANDS } from './commands.ts';
import { secretsOf } from './configuration.ts';
import { CommandError, type Exit, EXITS, exitOf } from './exit.ts';
import { commandHelp, overview } from './help.ts';
import type { Host } from './host.ts';
import { nearest, type Parsed, parseLine, readGiven } from './parse.ts';
import { paint, safeJson } from './screen/line.ts';
import { problemOf, Session } from './session.ts';
import { version } from './version.ts';

/** Resolves to the exit code. */
export async function runProgram(args: readonly string[], host: Host): Promise<number> {
  let session: Session | undefined;
  try {
    const parsed = parseLine(COMMANDS, args);
    session = new Session(host, parsed.options);
    return EXITS[await runCommand(parsed, session)].code;
  } catch (error) {
    return EXITS[await complain(error, args, session, host)].code;
  } finally {
    await session?.close().catch(() => undefined);
  }
}

async function runCommand(parsed: Parsed, session: Session): Promise<Exit> {
  const { command, words, options } = parsed;
  if (options.has('version')) {
    session.screen().print([[version()]]);
    return 'ok';
  }
  if (command === undefined && words.length > 0) throw unknownCommand(words);
  if (command === undefined || options.has('help')) {
    const screen = session.screen();
    const { width } = screen;
    screen.print(command === undefined ? overview(COMMANDS, width) : commandHelp(command, COMMANDS, width));
    return 'ok';
  }
  const result = await command.run(await readGiven(command, parsed, session.host), session);
  if (result === undefined) return 'ok';
  await session.print(result);
  return result.exit ?? 'ok';
}

function unknownCommand(words: readonly string[]): CommandError {
  const [first = ''] = words;
  const names = [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? ''))];
  const meant = nearest(first, names);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return new CommandError(
    'usage',
    `there is no command ${JSON.stringify(first)}${hint}`,
    'Run: taskbaton help',
  );
}

async function complain(
  error: unknown,
  args: readonly string[],
  session: Session | undefined,
  { stderr, environment }: Host,
): Promise<Exit> {
  const exit = exitOf(error);
  const place = await session?.place().catch(() => undefined);
  const named = args.map((arg) => arg.replace(/^--db=/, ''));
  const secrets = [place?.options.db, environment['TASKBATON_DB'], ...named].flatMap(secretsOf);
  const hide = (text: string): string =>
    secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
  const problem = hide(error instanceof Error ? problemOf(error) : String(error));
  const remedy = hide(remedyOf(error));
  if (session?.json ?? args.includes('--json')) {
    const code = error instanceof TaskbatonError ? error.code : exit.toUpperCase();
    stderr.write(
      `${safeJson({ error: { code, message: problem, ...(remedy === '' ? {} : { remedy }) } })}\n`,
    );
  } else {
    stderr.write(`${paint([['✘ ', 'red'], sentence(problem)], stderr)}\n`);
    if (remedy !== '')
      stderr.write(
        `${paint(
          [
            ['  ', 'dim'],
            [remedy, 'dim'],
          ],
          stderr,
        )}\n`,
      );
  }
  if (args.includes('--debug')) stderr.write(`\n${hide(stacksOf(error))}\n`);
  return exit;
}

/** What of an error's remedy is said differently on the command line. */
const REMEDIES: Readonly<Partial<Record<string, string>>> = {
  SCHEMA_OUTDATED: 'Run: taskbaton migrate (taskbaton plans shows what that would do)',
  CODEC_FAILED:
    'Put the codec into taskbaton.config.ts, or say --redacted, for which nothing has to be read.',
};

function remedyOf(error: unknown): string {
  if (error instanceof TaskbatonError) return REMEDIES[error.code] ?? error.remedy;
  if (error instanceof CommandError) return error.remedy;
  return 'This should not happen. Run it again with --debug to see where it comes from.';
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;
}

function stacksOf(error: unknown): string {
  const stacks: string[] = [];
  for (let at = error; at instanceof Error && stacks.length < 5; at = at.cause)
    stacks.push(at.stack ?? at.message);
  return stacks.join('\n\ncaused by ');
}
