#!/usr/bin/env node
/** The program `taskbaton`, as it is started. */
import { EXITS } from './exit.ts';
import { openHost, silenceNode } from './host.ts';
import { runProgram } from './program.ts';

silenceNode();
const host = openHost();

// Whoever read our output has gone, as in `taskbaton list | head`: there is nobody to tell anything any more.
for (const stream of [host.stdout, host.stderr]) stream.once('error', () => process.exit(EXITS.ok.code));

void runProgram(process.argv.slice(2), host).then((code) => {
  // A configuration may hold pools of its own open; what was written has to be out before they are cut off.
  host.stdout.write('', () => host.stderr.write('', () => process.exit(code)));
});
