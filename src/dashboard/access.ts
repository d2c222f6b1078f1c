/**
 * Who may do what: the answer of `access` to each request, checked; and, where somebody explicitly does without one, that a
 * request comes from this very machine.
 */
import { show, TaskbatonError } from '../core/errors.ts';
import { checkName } from '../core/name.ts';
import type { Permission } from './api.ts';
import { Refusal } from './failure.ts';

export const PERMISSIONS: readonly Permission[] = [
  'read',
  'create',
  'run',
  'pause',
  'move',
  'delete',
  'limits',
  'replicas',
  'schedules',
];

/** Somebody who is let in. */
export interface Visitor {
  /** Who it is: shown on the page, and told to the history as the actor. */
  readonly user: string;
  readonly can: readonly Permission[];
  /** The only user whose tasks this visitor sees and changes; null for all. It can't be left out, or a mistake would mean all. */
  readonly scope: string | null;
}

/** Says who asks; null for nobody that is known (401), or a response to be sent instead, such as a redirect to a login. */
export type Access = (request: Request) => Visitor | Response | null | Promise<Visitor | Response | null>;

/** What the server that took a request knows of it, and the request doesn't say. */
export interface Origin {
  /** The address of the peer. */
  readonly address?: string | undefined;
  /** What a framework took off the beginning of the path. */
  readonly prefix?: string | undefined;
}

/** A visitor whose every part has been checked. */
export interface CheckedVisitor {
  readonly user: string;
  readonly can: ReadonlySet<Permission>;
  /** The owner that statements are held to. */
  readonly owner: string | undefined;
}

const EVERYTHING: CheckedVisitor = { user: 'local', can: new Set(PERMISSIONS), owner: undefined };

/** Asks `access`; throws a Refusal. */
export async function admit(access: Access, request: Request): Promise<CheckedVisitor | Response> {
  const visitor: unknown = await access(request);
  if (visitor instanceof Response) return visitor;
  if (visitor === null) throw new Refusal('UNAUTHORIZED', 'nobody is known by this request');
  return checkVisitor(visitor);
}

function checkVisitor(visitor: unknown): CheckedVisitor {
  const { user, can, scope } = Object(visitor) as Partial<Record<keyof Visitor, unknown>>;
  const known = new Set<unknown>(PERMISSIONS);
  if (!isName(user)) return refuse('user', user, 'a name of 1 to 255 bytes');
  if (!Array.isArray(can) || !can.every((one) => known.has(one)))
    return refuse('can', can, `a list of ${PERMISSIONS.join(', ')}`);
  if (scope !== null && typeof scope !== 'string')
    return refuse('scope', scope, 'the name of a user, or null');
  return { user, can: new Set(can as readonly Permission[]), owner: scope ?? undefined };
}

/** As the history takes it for the actor. */
function isName(user: unknown): user is string {
  try {
    checkName('user', user);
    return user !== '';
  } catch {
    return false;
  }
}

function refuse(part: string, value: unknown, expected: string): never {
  const problem = `access must return { user, can, scope }, and ${part} must be ${expected}`;
  throw new TaskbatonError('INVALID_OPTION', { option: `access().${part}`, value: show(value), problem });
}

const LOOPBACK_ADDRESS = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/;
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

/**
 * Lets in whoever sits at this machine. The name in the URL must be this machine's too, or another site's page could have
 * its own name resolved to it; and nobody may stand between who would make everybody look local.
 */
export function admitLocal(request: Request, { address }: Origin): CheckedVisitor {
  const host = request.headers.get('host') ?? new URL(request.url).host;
  const local = address !== undefined && LOOPBACK_ADDRESS.test(address) && LOOPBACK_HOST.test(host);
  if (local && FORWARDED.every((header) => !request.headers.has(header))) return EVERYTHING;
  throw new Refusal('FORBIDDEN', 'without access control only requests from this machine itself are served');
}
