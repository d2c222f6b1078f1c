/** Bundles the page, checks its size, and writes it into the library's sources as one module. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtFiles } from './bundle.ts';
import { pageFolder } from './config.ts';
import { checkBudget, embeddingModule } from './embed.ts';

const MODULE = join(pageFolder, '..', 'src', 'dashboard', 'page.generated.ts');

export async function buildPage(): Promise<void> {
  const files = await builtFiles();
  checkBudget(files);
  writeFileSync(MODULE, embeddingModule(files));
}
