/**
 * `npm run dev --workspace page`: the page, drawn again at every change of its sources, on a system that isn't there.
 * `-- --built` serves the built page instead, under the policy that the real server sends.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createVite } from 'vite';
import { builtFiles } from './bundle.ts';
import { config } from './config.ts';
import { BASE, mediaType } from './embed.ts';
import { letTimePass, MadeUpApi } from './made-up-api.ts';
import { MadeUpSystem } from './made-up-system.ts';

const PORT = Number(process.env['PORT'] ?? 5173);
const POLICY = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'font-src', 'connect-src', 'manifest-src', 'base-uri'].map(
    (name) => `${name} 'self'`,
  ),
  "img-src 'self' data:",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

const system = new MadeUpSystem(Date.now());
const api = new MadeUpApi(system);
letTimePass(system);
const serve = process.argv.includes('--built') ? await builtPage() : await livePage();
createServer((request, response) => {
  const url = request.url ?? '/';
  const at = url.indexOf('/api/');
  if (at >= 0) void api.answer(url.slice(at + 5), request, response);
  else serve(request, response);
}).listen(PORT, '127.0.0.1');
process.stdout.write(`http://127.0.0.1:${PORT}/\n`);

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

async function livePage(): Promise<Serve> {
  const vite = await createVite({ ...config, base: '/', server: { middlewareMode: true }, appType: 'spa' });
  return (request, response) => vite.middlewares(request, response);
}

async function builtPage(): Promise<Serve> {
  const files = new Map((await builtFiles()).map((file) => [file.path, file]));
  return ({ url = '/' }, response) => {
    const path = new URL(url, 'http://localhost').pathname.slice(1);
    const name = /assets\/.*$/.exec(path)?.[0] ?? 'index.html';
    const file = files.get(name);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const depth = path.split('/').length - 1;
    const base = BASE.replace('./', depth === 0 ? './' : '../'.repeat(depth));
    response.writeHead(200, { 'content-type': mediaType(name), 'content-security-policy': POLICY });
    response.end(name === 'index.html' ? file.content.toString('utf8').replace(BASE, base) : file.content);
  };
}
