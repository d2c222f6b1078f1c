/**
 * `npm run dev --workspace page`: the page, drawn again at every change of its sources, on a system that isn't there.
 * `-- --built` serves the built page instead, under the policy that the real server sends.
 */
import { createServer, type ServerResponse } from 'node:http';
import { build, createServer as createVite } from 'vite';
import { config } from './config.ts';
import { letTimePass, MadeUpApi } from './made-up-api.ts';
import { MadeUpSystem } from './made-up-system.ts';

const PORT = Number(process.env['PORT'] ?? 5173);
const POLICY = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'font-src', 'connect-src', 'manifest-src', 'base-uri'].map((name) => `${name} 'self'`),
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

type Serve = (request: import('node:http').IncomingMessage, response: ServerResponse) => void;

async function livePage(): Promise<Serve> {
  const vite = await createVite({ ...config, base: '/', server: { middlewareMode: true }, appType: 'spa' });
  return (request, response) => vite.middlewares(request, response);
}

async function builtPage(): Promise<Serve> {
  const result = [await build({ ...config, build: { ...config.build, write: false } })].flat()[0];
  const outputs = result !== undefined && 'output' in result ? result.output : [];
  const files = new Map(
    outputs.map((output) => [output.fileName, output.type === 'chunk' ? output.code : output.source]),
  );
  const types: Readonly<Record<string, string>> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
  return ({ url = '/' }, response) => {
    const path = new URL(url, 'http://localhost').pathname.slice(1);
    const asset = /assets\/.*$/.exec(path)?.[0] ?? 'index.html';
    const depth = path.split('/').length - 1;
    const content = files.get(asset);
    if (content === undefined) {
      response.writeHead(404).end();
      return;
    }
    const type = types[asset.slice(asset.lastIndexOf('.') + 1)] ?? 'text/html; charset=utf-8';
    response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY });
    const base = `<base href="${depth === 0 ? './' : '../'.repeat(depth)}" />`;
    response.end(asset === 'index.html' ? String(content).replace(/<base href=".\/" ?\/?>/, base) : content);
  };
}
