/**
 * What a handler is given of what is stored: input and context, the context brought up to this release's version, both
 * checked. Whatever fails here costs the one task.
 */
import type { TaskDefinition } from '../core/definition.ts';
import { type ErrorCode, messageFrom, TaskbatonError } from '../core/errors.ts';
import { decodeJson } from '../core/json.ts';
import { type StandardSchema, validate } from '../core/schema.ts';
import type { QueueName } from '../core/status.ts';
import { FIRST_VERSION } from '../core/version.ts';
import type { Payloads } from '../store/payload.ts';
import type { Claim } from '../store/record.ts';

interface Source {
  readonly claim: Claim;
  readonly definition: TaskDefinition;
  readonly queue: QueueName;
}

export interface Given {
  readonly input: unknown;
  readonly context: unknown;
}

/** Failed cleanups: about a quarter of an hour. */
const UNREADABLE_AFTER = 10;

/** Throws INVALID_INPUT, INVALID_CONTEXT, UPGRADE_FAILED or CODEC_FAILED. */
export async function readGiven(source: Source, payloads: Payloads): Promise<Given> {
  const { claim, definition } = source;
  const given = claim.input === null ? undefined : await decoded(source, payloads, claim.input);
  const input = await checked(source, definition.input, given, 'INVALID_INPUT');
  if (claim.context === null) return { input, context: undefined };
  const stored = await decoded(source, payloads, claim.context);
  if (stored === undefined) return { input, context: undefined };
  const context = await upgraded(source, stored);
  return { input, context: await checked(source, definition.context, context, 'INVALID_CONTEXT') };
}

function decoded({ claim, queue }: Source, payloads: Payloads, payload: string): unknown {
  const decode = (): unknown => {
    const text = payloads.decode(payload, claim);
    return typeof text === 'string' ? decodeJson(text) : text.then(decodeJson);
  };
  // What nobody can read any more must still be deletable; but a server of keys may only be down for a while.
  return queue === 'cleanup' && claim.retries >= UNREADABLE_AFTER ? orElse(decode, undefined) : decode();
}

async function upgraded({ claim, definition, queue }: Source, context: unknown): Promise<unknown> {
  const { version: to = FIRST_VERSION, upgrade } = definition;
  const { type, version: from } = claim;
  if (from === to || upgrade === undefined) return context;
  try {
    return await upgrade(context, from);
  } catch (cause) {
    if (queue === 'cleanup') return context;
    const problem = messageFrom(cause);
    throw new TaskbatonError('UPGRADE_FAILED', { type, from, to, problem }, { cause });
  }
}

function checked(
  { claim, queue }: Source,
  schema: StandardSchema | undefined,
  value: unknown,
  code: ErrorCode,
): unknown {
  const check = (): unknown => validate(schema, value, code, claim.type);
  // What no longer fits its schema must still be deletable: its cleanup sees it as it was stored.
  return queue === 'cleanup' ? orElse(check, value) : check();
}

async function orElse(make: () => unknown, instead: unknown): Promise<unknown> {
  try {
    return await make();
  } catch {
    return instead;
  }
}
