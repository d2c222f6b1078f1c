/**
 * Where in the page somebody is: the path below the page's base and the query, which holds the filters. Links are plain
 * links; those that stay within the page are followed without loading it anew.
 */
import { signal } from '@preact/signals';

export interface Place {
  /** Without slashes at its ends; '' is the overview. */
  readonly path: string;
  readonly query: URLSearchParams;
}

const base = new URL('./', document.baseURI);

export const place = signal<Place>(read());

export function startRouting(): void {
  addEventListener('popstate', () => {
    place.value = read();
  });
  document.addEventListener('click', follow);
}

/** `path` is relative to the page's base. */
export function navigate(path: string, { replace = false } = {}): void {
  const address = new URL(path, base).href;
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  place.value = read();
}

/** The same path with other parameters; empty ones are left out. */
export function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === '' ? path || './' : `${path || './'}?${text}`;
}

function read(): Place {
  const { pathname, search } = location;
  const path = pathname.startsWith(base.pathname) ? pathname.slice(base.pathname.length) : '';
  return { path: path.replace(/^\/+|\/+$/g, ''), query: new URLSearchParams(search) };
}

function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = event.target instanceof Element ? event.target.closest('a') : null;
  if (anchor === null || anchor.target !== '' || anchor.hasAttribute('download')) return;
  const address = new URL(anchor.href, document.baseURI);
  if (address.origin !== base.origin || !address.pathname.startsWith(base.pathname)) return;
  const path = address.pathname.slice(base.pathname.length);
  if (/^(api|assets)\//.test(path) || ['metrics', 'healthz', 'readyz'].includes(path)) return;
  event.preventDefault();
  navigate(`${path || './'}${address.search}`);
}
