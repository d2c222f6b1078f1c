/** How Vite is set up, for building and for developing: only browsers that know light-dark(), and paths relative to wherever the page is. */
import { join } from 'node:path';
import type { InlineConfig } from 'vite';

export const pageFolder = join(import.meta.dirname, '..');

export const config: InlineConfig = {
  root: pageFolder,
  configFile: false,
  base: './',
  logLevel: 'warn',
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
};
