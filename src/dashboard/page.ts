/**
 * The page that people look at: built apart, and part of the library as one module of files. Its links are relative to a base
 * that is set here, so it works wherever it is mounted, and whichever of its own addresses somebody opens first.
 */
import { Refusal } from './failure.ts';
import { PAGE_HEADERS } from './guard.ts';
import type { PageFile, PageFiles } from './page-file.ts';

/** Made by the page's build, and so not there in sources that were never built. */
const BUILT = './page.generated.ts';
const INDEX = 'index.html';
const BASE = '<base href="./">';
/** What has its own hash in its name never changes. */
const FOR_EVER = 'public, max-age=31536000, immutable';

export type LoadPage = () => Promise<PageFiles>;

export const loadPage: LoadPage = async () => {
  try {
    // Not a literal, or the compiler would want it to be there.
    const built = (await import(BUILT.replace(/ts$/, EXTENSION))) as { readonly files: PageFiles };
    return built.files;
  } catch (cause) {
    const code = (cause as { readonly code?: unknown }).code;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new Refusal('NO_PAGE', 'the page has not been built; run: npm run build');
  }
};

/** Sources run as they are, and what was built of them is JavaScript. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** The file or the page for `path`, which is below where the page is mounted; undefined if it is neither. */
export async function pageFor(request: Request, path: string, load: LoadPage): Promise<Response | undefined> {
  const files = await load();
  const file = Object.hasOwn(files, path) && path !== INDEX ? files[path] : undefined;
  if (file !== undefined)
    return fileResponse(request, file, path.startsWith('assets/') ? FOR_EVER : 'no-cache');
  const index = files[INDEX];
  const asked = path === '' || /\btext\/html\b/.test(request.headers.get('accept') ?? '');
  if (index === undefined || !asked || path.startsWith('api/') || path.startsWith('assets/'))
    return undefined;
  const depth = path.split('/').length - 1;
  return indexResponse(request, index, depth === 0 ? './' : '../'.repeat(depth));
}

/**
 * The page at the very address where it is mounted, without a slash at its end. There is no redirection to the one with a slash: some
 * frameworks send everybody back who comes there.
 */
export async function pageAtMount(request: Request, load: LoadPage): Promise<Response | undefined> {
  const { [INDEX]: index } = await load();
  const { pathname } = new URL(request.url);
  const folder = pathname.slice(pathname.lastIndexOf('/') + 1);
  return index === undefined ? undefined : indexResponse(request, index, `./${folder}/`);
}

function indexResponse(request: Request, index: PageFile, base: string): Response {
  const body = index.body.replace(BASE, () => `<base href="${base.replaceAll('&', '&amp;')}">`);
  return fileResponse(
    request,
    { ...index, body, etag: `${index.etag.slice(0, -1)}${encodeURI(base)}"` },
    'no-cache',
  );
}

function fileResponse(request: Request, { type, encoding, body, etag }: PageFile, caching: string): Response {
  const headers = { ...PAGE_HEADERS, 'content-type': type, 'cache-control': caching, etag };
  const known = (request.headers.get('if-none-match') ?? '').split(/\s*,\s*/);
  if (known.includes(etag)) return new Response(null, { status: 304, headers });
  return new Response(encoding === 'base64' ? Buffer.from(body, 'base64') : body, { headers });
}
