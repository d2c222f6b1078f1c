/** `npm run build` of the page: bundles it, checks its size, and writes it into the library's sources as one module. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Rolldown } from 'vite';
import { type BuiltFile, checkBudget, embeddingModule } from './embed.ts';
import { config, pageFolder } from './config.ts';

const MODULE = join(pageFolder, '..', 'src', 'dashboard', 'page.generated.ts');

const built = await build({ ...config, build: { ...config.build, write: false } });
const files = outputs(built).map(toFile).toSorted((one, other) => one.path.localeCompare(other.path));
checkBudget(files);
writeFileSync(MODULE, embeddingModule(files));

function outputs(result: Awaited<ReturnType<typeof build>>): readonly (Rolldown.OutputChunk | Rolldown.OutputAsset)[] {
  const [bundle] = [result].flat();
  if (bundle === undefined || !('output' in bundle)) throw new Error('Vite made no bundle.');
  return bundle.output;
}

function toFile(output: Rolldown.OutputChunk | Rolldown.OutputAsset): BuiltFile {
  const content = output.type === 'chunk' ? output.code : output.source;
  return { path: output.fileName, content: Buffer.from(content) };
}
