import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { MUTANTS, mutated } from './test/simulation/mutants.ts';
const only = process.argv[3];
for (const [n, m] of MUTANTS.entries()) {
  if (only && !only.split(',').includes(String(n))) continue;
  const dir = `/tmp/mutants-sim/${n}`;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  for (const f of ['src', 'test', 'scripts']) cpSync(f, `${dir}/${f}`, { recursive: true });
  for (const f of ['package.json', 'tsconfig.json']) cpSync(f, `${dir}/${f}`);
  symlinkSync(process.cwd() + '/node_modules', `${dir}/node_modules`);
  for (const e of m.edits) {
    const p = `${dir}/src/${e.file}`;
    writeFileSync(p, mutated(readFileSync(p, 'utf8'), e));
  }
  const r = spawnSync(
    'node_modules/.bin/node',
    ['scripts/simulate.ts', '--seeds', process.argv[2]!, '--workers', '1'],
    { cwd: dir, encoding: 'utf8' },
  );
  console.log(
    n,
    m.name,
    '|',
    (r.stdout.match(/^[\d,]+ seeds, .*$/m) ?? [r.stdout.slice(0, 300) + r.stderr.slice(0, 600)])[0],
    '|',
    (r.stdout.match(/Seed \d+ violates.*/) ?? ['SURVIVES'])[0].slice(0, 170),
  );
}
