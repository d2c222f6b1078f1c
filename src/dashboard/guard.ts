/**
 * What every request and every answer must be like, whatever it is about: requests that change something are JSON and come
 * from the page itself, bodies end, and answers can neither be framed, nor guessed at, nor run anything that isn't ours.
 */
import { Refusal } from './failure.ts';

const COMMON: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/** Nothing but what the page brings along, and nothing written into it. */
const PAGE_POLICY = [
  `default-src 'none'`,
  `script-src 'self'`,
  `style-src 'self'`,
  `img-src 'self' data:`,
  `font-src 'self'`,
  `connect-src 'self'`,
  `manifest-src 'self'`,
  `base-uri 'self'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
  `require-trusted-types-for 'script'`,
].join('; ');
/** Data isn't a page, even if somebody opens it as one. */
const DATA_POLICY = `default-src 'none'; frame-ancestors 'none'`;

/** Headers of what is no page; it isn't kept by anybody on the way. */
export const DATA_HEADERS: Readonly<Record<string, string>> = {
  ...COMMON,
  'content-security-policy': DATA_POLICY,
  'cache-control': 'no-store',
};

export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  ...COMMON,
  'content-security-policy': PAGE_POLICY,
};

export const LONGEST_URL = 8192;

export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/**
 * Refuses requests that another site's page may have made its visitor send. Browsers say where a request comes from; what
 * says nothing is no browser, and can't be made to send JSON either.
 */
export function checkSite(request: Request, trusted: readonly string[]): void {
  const { headers } = request;
  const type = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    throw new Refusal('NOT_JSON_TYPE', 'the content-type must be application/json');
  const origin = headers.get('origin');
  if (origin !== null) {
    if (!trusted.includes(origin) && hostOf(origin) !== hostOfRequest(request))
      throw new Refusal('CROSS_SITE', 'the request comes from a page of another site');
    return;
  }
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none')
    throw new Refusal('CROSS_SITE', 'the request comes from a page of another site');
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

function hostOfRequest(request: Request): string {
  const url = new URL(request.url);
  const host = request.headers.get('host');
  // Without the port where it is the scheme's own, as an Origin is.
  return (host === null ? undefined : hostOf(`${url.protocol}//${host}`)) ?? url.host;
}

/** The body as JSON; an empty one is `{}`. Throws a Refusal for one that is no JSON, or that has more than `limit` bytes. */
export async function readBody(request: Request, limit: number): Promise<unknown> {
  const text = await readText(request, limit);
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal('BAD_REQUEST', 'the body is not JSON');
  }
}

async function readText(request: Request, limit: number): Promise<string> {
  const tooLarge = (): Refusal => new Refusal('BODY_TOO_LARGE', `the body may have at most ${limit} bytes`);
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge();
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > limit) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    chunks.push(value);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refusal('BAD_REQUEST', 'the body is not UTF-8');
  }
}
