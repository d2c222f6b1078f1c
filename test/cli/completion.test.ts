/** Each shell completes by the script that is made for it: commands, their options, and values that there are to choose from. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, describe, it } from 'node:test';
import { COMMANDS } from '../../src/cli/commands.ts';
import { completionScript, type Shell, SHELLS } from '../../src/cli/completion.ts';
import { debianProgram } from '../../scripts/debian-program.ts';

/** What completes the last of `words`, in a shell that has loaded the script. */
const ASKING: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) => `
    COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=${words.length - 1}
    _taskbaton; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // Without zsh's own machinery, which needs a keyboard: these three are all of it that the script uses.
  zsh: (words) => `
    words=(${words.map(quoted).join(' ')}); CURRENT=${words.length}; PREFIX=$words[CURRENT]
    offer() { for one in "$@"; do [[ "$one" == "$PREFIX"* ]] && print -r -- "$one"; done; true }
    compadd() { shift; offer "$@" }
    _describe() { offer "\${(@)\${(@P)@[-1]}%%:*}" }
    _taskbaton`,
  fish: (words) => `complete -C ${quoted(words.join(' '))} | string split -f1 \\t; true`,
};

const PRELUDES: Readonly<Record<Shell, string>> = { bash: '', zsh: 'compdef() { true }', fish: '' };
const OPTIONS: Readonly<Record<Shell, readonly string[]>> = {
  bash: ['--norc', '--noprofile'],
  zsh: ['-f'],
  fish: ['--no-config'],
};

function quoted(text: string): string {
  return `'${text}'`;
}

describe('completion', () => {
  for (const shell of SHELLS) {
    describe(`in ${shell}`, () => {
      let program: string;
      before(() => {
        program = debianProgram({ programs: [shell], debianPackages: [shell] });
      });

      const complete = (...words: readonly string[]): readonly string[] => {
        const script = [PRELUDES[shell], completionScript(shell, COMMANDS), ASKING[shell](words)].join('\n');
        const { stdout, stderr, status } = spawnSync(program, [...OPTIONS[shell], '-c', script], {
          encoding: 'utf8',
        });
        assert.deepEqual([status, stderr], [0, '']);
        return stdout
          .split('\n')
          .filter((line) => line !== '')
          .toSorted();
      };

      it('commands are completed, the second word of two as well', () => {
        assert.deepEqual(complete('taskbaton', 'li'), ['limits', 'list']);
        assert.deepEqual(complete('taskbaton', '--db', 'pause', 'gro'), ['groups']);
        assert.deepEqual(complete('taskbaton', 'groups', '--json', 're'), ['resume']);
      });

      it('options are those of the command', () => {
        assert.deepEqual(complete('taskbaton', 'groups', 'pause', '--r'), ['--reason', '--running']);
        assert.deepEqual(complete('taskbaton', 'groups', 'resume', '--r'), ['--reason']);
        assert.ok(complete('taskbaton', 'plans', '--').includes('--prefix'));
      });

      it('values are completed where there are some to choose from', () => {
        assert.deepEqual(complete('taskbaton', 'list', '--state', 'p'), ['paused', 'pending']);
        assert.deepEqual(complete('taskbaton', 'list', '-s', 'fi'), ['finished']);
        assert.deepEqual(complete('taskbaton', 'completion', 'z'), ['zsh']);
        assert.deepEqual(complete('taskbaton', 'list', '--user', 'l'), []);
      });
    });
  }
});
