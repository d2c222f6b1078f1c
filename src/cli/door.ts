/**
 * Who is let into a dashboard that is served on this machine: whoever opens the link that was printed, once. The token in
 * it is exchanged for a cookie that no script and no other site can use; from then on the link opens nothing.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { PERMISSIONS } from '../dashboard/access.ts';
import type { Access, Visitor } from '../dashboard/index.ts';

export interface DoorOptions {
  /** Told to the history as who acts. */
  readonly user: string;
  readonly port: number;
  /** A text that was never given before, and that nobody can guess. */
  readonly secret: () => string;
}

export class Door {
  readonly #visitor: Visitor;
  readonly #origin: string;
  /** Cookies are shared by all ports of a machine, so this one's name says whose it is. */
  readonly #cookie: string;
  readonly #session: string;
  #token: string | undefined;
  readonly link: string;

  constructor({ user, port, secret }: DoorOptions) {
    this.#visitor = { user, can: PERMISSIONS, scope: null };
    this.#origin = `127.0.0.1:${port}`;
    this.#cookie = `taskbaton_${port}`;
    this.#session = secret();
    this.#token = secret();
    this.link = `http://${this.#origin}/?token=${this.#token}`;
  }

  readonly access: Access = (request) => {
    // Else a page of another site could have its own name resolved to this machine, and use the cookie.
    if (request.headers.get('host') !== this.#origin)
      return refused(403, `This dashboard is http://${this.#origin}/ and nothing else.`);
    const url = new URL(request.url);
    const token = url.searchParams.get('token');
    if (token !== null) return this.#exchange(url, token);
    const cookies = (request.headers.get('cookie') ?? '').split('; ');
    const admitted = cookies.some((cookie) => isSame(cookie, `${this.#cookie}=${this.#session}`));
    return admitted ? this.#visitor : refused(401, 'Open the link that taskbaton dashboard has printed.');
  };

  #exchange(url: URL, token: string): Response {
    if (this.#token === undefined || !isSame(token, this.#token))
      return refused(
        403,
        'This link was used before, or is none. Start taskbaton dashboard again for a new one.',
      );
    this.#token = undefined;
    url.searchParams.delete('token');
    const cookie = `${this.#cookie}=${this.#session}; Path=/; HttpOnly; SameSite=Strict`;
    const headers = {
      'set-cookie': cookie,
      location: url.pathname + url.search,
      'cache-control': 'no-store',
    };
    return new Response(null, { status: 303, headers });
  }
}

function refused(status: number, text: string): Response {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  return new Response(`${text}\n`, { status, headers });
}

/** Takes as long whatever the difference is. */
function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return first !== undefined && second !== undefined && timingSafeEqual(first, second);
}
