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

/** At once, unless somebody has to be waited for. Throws INVALID_INPUT, INVALID_CONTEXT, UPGRADE_FAILED or CODEC_FAILED. */
export function readGiven(source: Source, payloads: Payloads): Given | Promise<Given> {
  const { claim, definition } = source;
  const given = decoded(source, payloads, claim.input);
  const input = chain(given, (value) => checked(source, definition.input, value, 'INVALID_INPUT'));
  return chain(input, (known) =>
    chain(contextOf(source, payloads), (context): Given => ({ input: known, context })),
  ) as Given | Promise<Given>;
}

function contextOf(source: Source, payloads: Payloads): unknown {
  const { claim, definition } = source;
  return chain(decoded(source, payloads, claim.context), (stored) => {
    if (stored === undefined) return undefined;
    const context = upgraded(source, stored);
    return chain(context, (value) => checked(source, definition.context, value, 'INVALID_CONTEXT'));
  });
}

/** What `make` makes of `value`, at once where that is no promise. */
function chain(value: unknown, make: (value: unknown) => unknown): unknown {
  return value instanceof Promise ? value.then(make) : make(value);
}

function decoded({ claim, queue }: Source, payloads: Payloads, payload: string | null): unknown {
  if (payload === null) return undefined;
  const decode = (): unknown => {
    const text = payloads.decode(payload, claim);
    return typeof text === 'string' ? decodeJson(text) : text.then(decodeJson);
  };
  // What nobody can read any more must still be deletable; but a server of keys may only be down for a while.
  return queue === 'cleanup' && claim.retries >= UNREADABLE_AFTER ? orElse(decode, undefined) : decode();
}

function upgraded(source: Source, context: unknown): unknown {
  const { version: to = FIRST_VERSION, upgrade } = source.definition;
  const { version: from } = source.claim;
  return from === to || upgrade === undefined ? context : upgradedBy(upgrade, source, context);
}

async function upgradedBy(
  upgrade: NonNullable<TaskDefinition['upgrade']>,
  { claim, definition, queue }: Source,
  context: unknown,
): Promise<unknown> {
  const { type, version: from } = claim;
  const { version: to = FIRST_VERSION } = definition;
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
