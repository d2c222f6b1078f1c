/** The page's part of `npm run build`. */
import { buildPage } from './build-page.ts';

await buildPage();
