/**
 * What the server that took a request knows of it, and the request itself doesn't say. It is kept beside the request, since
 * frameworks hand handlers further arguments of their own.
 */
export interface Origin {
  /** The address of the peer. */
  readonly address?: string | undefined;
  /** What a framework has taken to be the beginning of the path. */
  readonly prefix?: string | undefined;
}

const known = new WeakMap<Request, Origin>();

/** Says where `request` comes from; returns it. */
export function withOrigin(request: Request, origin: Origin): Request {
  known.set(request, origin);
  return request;
}

export function originOf(request: Request): Origin {
  return known.get(request) ?? {};
}
