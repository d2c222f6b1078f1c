/**
 * `npm run dev --workspace page`: the page, drawn anew at every change of its sources, in front of a real system that was
 * made up for it.
 */
import { createServer } from 'node:http';
import { createServer as createVite } from 'vite';
import { dashboard, toNodeHandler } from '../../src/dashboard/index.ts';
import { config } from './config.ts';
import { Stage } from './stage.ts';

const PORT = Number(process.env['PORT'] ?? 5173);
const DATA = /\/(api\/.*|metrics|healthz|readyz)$/;

const stage = await Stage.open();
stage.goOn();
const answer = toNodeHandler(dashboard(stage.baton, { unsafeNoAuth: true }));
const vite = await createVite({ ...config, base: '/', server: { middlewareMode: true }, appType: 'spa' });
createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (DATA.test(pathname)) answer(request, response);
  else vite.middlewares(request, response);
}).listen(PORT, '127.0.0.1', () => process.stdout.write(`http://127.0.0.1:${PORT}/\n`));
