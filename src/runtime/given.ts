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
  readonly payloads: Payloads;
}

export interface Given {
  readonly input: unknown;
  readonly context: unknown;
}

/** Throws INVALID_INPUT, INVALID_CONTEXT, UPGRADE_FAILED or CODEC_FAILED. */
export async function readGiven(source: Source): Promise<Given> {
  const { claim, definition, payloads } = source;
  const stored = decodeJson(await payloads.decode(claim.context, claim));
  const given = decodeJson(await payloads.decode(claim.input, claim));
  const context = stored === undefined ? undefined : await upgraded(source, stored);
  return {
    input: await checked(source, definition.input, given, 'INVALID_INPUT'),
    context:
      context === undefined
        ? undefined
        : await checked(source, definition.context, context, 'INVALID_CONTEXT'),
  };
}

async function upgraded({ claim, definition }: Source, context: unknown): Promise<unknown> {
  const { version: to = FIRST_VERSION, upgrade } = definition;
  const { type, version: from } = claim;
  if (from === to || upgrade === undefined) return context;
  try {
    return await upgrade(context, from);
  } catch (cause) {
    const problem = messageFrom(cause);
    throw new TaskbatonError('UPGRADE_FAILED', { type, from, to, problem }, { cause });
  }
}

async function checked(
  { claim, queue }: Source,
  schema: StandardSchema | undefined,
  value: unknown,
  code: ErrorCode,
): Promise<unknown> {
  return validate(schema, value, code, claim.type).catch((error: unknown) => {
    // What no longer fits its schema must still be deletable: its cleanup sees it as it was stored.
    if (queue === 'cleanup') return value;
    throw error;
  });
}
