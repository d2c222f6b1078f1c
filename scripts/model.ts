/**
 * `npm run model`: goes through all states of the formal models in `model/`, and exits with 1 if a property breaks that
 * must hold, or holds where a rule was dropped. `--long` looks further, `--record` keeps the figures and the ways to
 * go-async's violations for docs/proof.md.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordOf } from './model/record.ts';
import { SEARCHES } from './model/searches.ts';
import { ensureSpin, runSearches, type Verdict } from './model/spin.ts';
import { readOptions } from './tool-options.ts';

const RECORD = join(import.meta.dirname, '..', 'model', 'record.json');

const { long, record } = readOptions(import.meta.filename, {
  long: { type: 'boolean', default: false },
  record: { type: 'boolean', default: false },
});
const started = performance.now();
ensureSpin();
const verdicts = await runSearches(
  SEARCHES.filter((search) => long || search.long !== true),
  show,
);
const failed = verdicts.filter(({ passed }) => !passed);
for (const { search, output } of failed) console.log(`\n── ${search.name} ──\n${output.trim()}`);
const seconds = (performance.now() - started) / 1000;
console.log(
  `\n${verdicts.length - failed.length} of ${verdicts.length} searches as expected in ${seconds.toFixed(1)} s`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
if (record && failed.length === 0) writeFileSync(RECORD, `${JSON.stringify(recordOf(verdicts), null, 2)}\n`);

function show({ search, passed, states, seconds: took, megabytes }: Verdict): void {
  const { name, model, only = 'all', expected, switches = [] } = search;
  const what =
    expected === 'holds' ? `${only} holds: ${name}` : `${only} breaks in ${model} without: ${name}`;
  const text = model === 'go-async' ? `${only} breaks by the rules of go-async` : what;
  const figures = `${states.toLocaleString('en')} states`.padStart(18);
  console.log(
    `${passed ? '✔' : '✖'} ${text.padEnd(74)}${figures}${took.toFixed(1).padStart(7)} s${String(megabytes).padStart(6)} MB${switches.length > 0 ? `  ${switches.join(' ')}` : ''}`,
  );
}
