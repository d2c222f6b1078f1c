/** From `node:http`, and all that is built on it, to handlers of requests as the web has them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { withOrigin } from './origin.ts';

/** What Express and others add to a message. */
interface Extended extends IncomingMessage {
  readonly originalUrl?: string;
  readonly baseUrl?: string;
  /** What a body parser has made of the body. */
  readonly body?: unknown;
}

export type NodeHandler = (message: IncomingMessage, response: ServerResponse) => void;

/** A handler for `node:http`, Express, Fastify (with the raw messages) and the like. */
export function toNodeHandler(handler: (request: Request) => Promise<Response>): NodeHandler {
  return (message, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    answer(handler, message, response, gone.signal).catch(() => {
      // The handler itself answers whatever goes wrong, so this is a peer that went away, or a request that is none.
      if (response.headersSent) response.destroy();
      else response.writeHead(400).end();
    });
  };
}

async function answer(
  handler: (request: Request) => Promise<Response>,
  message: Extended,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const { status, headers, body } = await handler(requestFrom(message, signal));
  response.statusCode = status;
  for (const [name, value] of headers)
    response.setHeader(name, name === 'set-cookie' ? headers.getSetCookie() : value);
  if (body === null || message.method === 'HEAD') {
    await body?.cancel();
    response.end();
    return;
  }
  response.flushHeaders();
  await pipeline(Readable.fromWeb(body), response, { signal });
}

function requestFrom(message: Extended, signal: AbortSignal): Request {
  const { method = 'GET', socket } = message;
  const scheme = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    // Those of HTTP/2 are no headers.
    if (value === undefined || name.startsWith(':')) continue;
    for (const one of [value].flat()) headers.append(name, one);
  }
  const path = message.originalUrl ?? message.url ?? '/';
  const url = new URL(
    `${scheme}://${message.headers.host ?? 'localhost'}${path.startsWith('/') ? path : '/'}`,
  );
  const init: RequestInit = { method, headers, signal };
  const body = method === 'GET' || method === 'HEAD' ? undefined : bodyOf(message);
  const request = new Request(url, body === undefined ? init : { ...init, body, duplex: 'half' });
  return withOrigin(request, { address: socket.remoteAddress, prefix: message.baseUrl });
}

/** A parser may have read it before us. */
function bodyOf(message: Extended): ReadableStream | string {
  if (message.readableEnded && message.body !== undefined) return JSON.stringify(message.body);
  return Readable.toWeb(message) as ReadableStream;
}
