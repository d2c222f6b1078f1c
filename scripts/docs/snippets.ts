/**
 * The `ts` examples in Markdown, as programs for the compiler. A block that begins with an import begins a program, and
 * the blocks after it on the page go on with it; a block marked `ts nocheck` is a fragment and left out.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
/** Inside the repository, so that imports are found as in its own sources, and ignored by git and every tool. */
const CACHE = join(ROOT, 'node_modules', '.cache');

export interface Program {
  /** Each line stands where it stands on the page, so that the compiler's line numbers are the page's. */
  readonly text: string;
  readonly page: string;
}

/** The programs on a page, in their order. `page` is its path from the repository's root. */
export function programsOn(page: string): readonly Program[] {
  const programs: string[][] = [];
  let fence: 'ts' | 'other' | undefined;
  let opening = false;
  for (const [index, line] of readFileSync(join(ROOT, page), 'utf8').split('\n').entries()) {
    if (line.startsWith('```')) {
      fence = fence === undefined ? (line.trim() === '```ts' ? 'ts' : 'other') : undefined;
      opening = fence === 'ts';
    } else if (fence === 'ts') {
      if (programs.length === 0 || (opening && line.startsWith('import '))) programs.push([]);
      const program = programs.at(-1) as string[];
      while (program.length < index) program.push('');
      program.push(line);
      opening = false;
    }
  }
  return programs.map((lines) => ({ text: lines.join('\n'), page }));
}

/** What the compiler says against the programs of `pages`, one complaint an entry, with places on the pages. */
export function typeErrors(pages: readonly string[]): readonly string[] {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'taskbaton-docs-'));
  try {
    const programs = new Map(
      pages.flatMap(programsOn).map((program, index) => [`program-${index + 1}.ts`, program]),
    );
    for (const [name, { text }] of programs) writeFileSync(join(folder, name), `${text}\nexport {};\n`);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(configFor([...programs.keys()])));
    const { status, stdout, stderr, error } = spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '--pretty', 'false', '-p', folder],
      { cwd: ROOT, encoding: 'utf8' },
    );
    if (error !== undefined) throw error;
    if (status === 0) return [];
    const prefix = relative(ROOT, folder).replaceAll('\\', '/');
    const output = `${stdout}${stderr}`.replaceAll(/\S*(program-\d+\.ts)/g, (_path, name: string) => {
      return programs.get(name)?.page ?? `${prefix}/${name}`;
    });
    return output.trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An example may define what only its reader uses. */
function configFor(files: readonly string[]): object {
  return {
    extends: '../../../tsconfig.json',
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: [],
    files,
  };
}
