/**
 * Payloads on their way into the database and out of it. What a codec has encoded is marked as such, so that it can be
 * switched on over tasks that were stored as they are, and nothing encoded is ever taken for something else.
 */
import {
  HIDDEN,
  hideAll,
  type Payload,
  type PayloadCodec,
  type PayloadOwner,
  type Redact,
} from '../core/codec.ts';
import type { Row } from '../core/connection.ts';
import { TaskbatonError } from '../core/errors.ts';
import type { HistoryEntry } from '../core/history.ts';
import { decodeJson } from '../core/json.ts';
import type { StoredError, Task } from '../core/task.ts';
import { errorLines, taskFrom } from './record.ts';

/** No JSON begins like this. */
const ENCODED = '~';
const NOT_YET = '~~';
const TEXTS = ['input', 'context', 'message', 'error'] as const;
/** Stands for an encoded error whose kind isn't known without decoding it. */
const HIDDEN_ERROR = JSON.stringify({ name: 'Error', message: HIDDEN });

export interface PayloadsOptions {
  readonly codec?: PayloadCodec | undefined;
  readonly redact?: Redact | undefined;
  /** A text that was never given before. */
  readonly unique: () => string;
}

/** What an entry of the history holds of users'. */
interface StoredEntry {
  readonly context: string | null;
  readonly error: string | null;
  readonly detail: string | null;
  readonly isLog: boolean;
}

type EntryPayload = Pick<HistoryEntry, 'context' | 'error' | 'message' | 'fields'>;

export class Payloads {
  readonly #codec: PayloadCodec | undefined;
  readonly #redact: Redact | undefined;
  readonly #unique: () => string;

  constructor({ codec, redact, unique }: PayloadsOptions) {
    this.#codec = codec;
    this.#redact = redact;
    this.#unique = unique;
  }

  /** Whether anything is encoded. */
  get encodes(): boolean {
    return this.#codec !== undefined;
  }

  /** Takes the place of the payloads of tasks whose ids aren't known yet, so that it is known which ones to write. */
  placeholder(): string {
    return `${NOT_YET}${this.#unique()}`;
  }

  /** What no codec is for is there at once. Rejects with CODEC_FAILED. */
  encode<Text extends string | null>(text: Text, owner: PayloadOwner): Text | Promise<string> {
    const codec = this.#codec;
    return codec === undefined || text === null ? text : encoded(codec, text, owner);
  }

  /** The same for what was stored. */
  decode<Text extends string | null>(text: Text, owner: PayloadOwner): Text | Promise<string> {
    return isEncoded(text) ? decoded(this.#codec, text, owner) : text;
  }

  /** A row as the task that it is; `redacted` for whoever isn't meant to read all of it. Throws CODEC_FAILED unless it is. */
  async taskFrom(row: Row, redacted: boolean): Promise<Task> {
    const owner = { id: Number(row['id']), type: String(row['type']) };
    if (!redacted) return this.#whole(row, owner);
    const hideWhole = (): Task => hidden(taskFrom(withoutEncoded(row)), hideAll, owner);
    if (this.#redact === undefined) return hideWhole();
    try {
      return hidden(await this.#whole(row, owner), this.#redact, owner);
    } catch {
      // Of what can't be read there is nothing to show, but that the task is there.
      return hideWhole();
    }
  }

  /** The payloads of an entry of the history. Throws CODEC_FAILED unless it is redacted. */
  async entryFrom(stored: StoredEntry, owner: PayloadOwner, redacted: boolean): Promise<EntryPayload> {
    if (!redacted) return this.#wholeEntry(stored, owner);
    try {
      const { fields, ...whole } = await this.#wholeEntry(stored, owner);
      const payload = { ...whole, input: undefined, errors: [] };
      const { context, message, error } = (this.#redact ?? hideAll)(payload, owner);
      return { context, message, error, fields: stored.isLog ? undefined : fields };
    } catch {
      return { context: undefined, message: undefined, error: undefined, fields: undefined };
    }
  }

  async #wholeEntry(
    { context, error, detail, isLog }: StoredEntry,
    owner: PayloadOwner,
  ): Promise<EntryPayload> {
    const read = async (text: string | null): Promise<unknown> => decodeJson(await this.decode(text, owner));
    const said = (await read(detail)) as Partial<Record<'message' | 'fields', unknown>> | undefined;
    return {
      context: await read(context),
      error: (await read(error)) as StoredError | undefined,
      message: isLog ? (said?.message as string | undefined) : undefined,
      fields: (isLog ? said?.fields : said) as EntryPayload['fields'],
    };
  }

  async #whole(row: Row, owner: PayloadOwner): Promise<Task> {
    const plain = await this.#decodeRow(row, owner);
    try {
      return taskFrom(plain);
    } catch (cause) {
      return fail('decode', owner, 'what came of it is no JSON', cause);
    }
  }

  async #decodeRow(row: Row, owner: PayloadOwner): Promise<Row> {
    const plain: Record<string, unknown> = { ...row };
    for (const column of TEXTS) {
      const text = row[column];
      if (typeof text === 'string') plain[column] = await this.decode(text, owner);
    }
    const lines = linesOf(row).map(async (line) => {
      const past = JSON.parse(line) as { readonly error: unknown };
      return typeof past.error === 'string'
        ? JSON.stringify({ ...past, error: JSON.parse(await this.decode(past.error, owner)) as unknown })
        : line;
    });
    return { ...plain, errors: (await Promise.all(lines)).join('\n') };
  }
}

/** As a part of JSON. */
export function asJson(text: string): string {
  return isEncoded(text) ? JSON.stringify(text) : text;
}

function isEncoded<Text extends string | null>(text: Text): text is Text & string {
  return text !== null && text.startsWith(ENCODED);
}

function linesOf(row: Row): readonly string[] {
  return errorLines(typeof row['errors'] === 'string' ? row['errors'] : null);
}

/** Without what can't be read without its codec, and isn't to be shown either. */
function withoutEncoded(row: Row): Row {
  const error = typeof row['error'] === 'string' && isEncoded(row['error']) ? HIDDEN_ERROR : row['error'];
  const errors = linesOf(row).map((line) => {
    const past = JSON.parse(line) as { readonly error: unknown };
    return typeof past.error === 'string'
      ? JSON.stringify({ ...past, error: JSON.parse(HIDDEN_ERROR) as unknown })
      : line;
  });
  return { ...row, input: null, context: null, message: null, error, errors: errors.join('\n') };
}

/** It is user code: where it throws, nothing is shown. */
function hidden(task: Task, redact: Redact, owner: PayloadOwner): Task {
  const { message, error, errors } = task;
  const payload: Payload = { input: task.input, context: task.context, message, error, errors };
  try {
    return { ...task, ...redact(payload, owner) };
  } catch {
    return { ...task, ...hideAll(payload, owner) };
  }
}

async function encoded(codec: PayloadCodec, text: string, owner: PayloadOwner): Promise<string> {
  const result: unknown = await attempt('encode', owner, () => codec.encode(text, owner));
  return typeof result === 'string' && result.isWellFormed() && !result.includes('\0')
    ? `${ENCODED}${result}`
    : fail('encode', owner, 'it returned something that is no storable text');
}

async function decoded(codec: PayloadCodec | undefined, text: string, owner: PayloadOwner): Promise<string> {
  if (codec === undefined) return fail('decode', owner, 'it was stored by a codec, and there is none here');
  const result: unknown = await attempt('decode', owner, () => codec.decode(text.slice(1), owner));
  return typeof result === 'string' ? result : fail('decode', owner, 'it returned something that is no text');
}

async function attempt(
  act: string,
  owner: PayloadOwner,
  call: () => string | Promise<string>,
): Promise<string> {
  try {
    return await call();
  } catch (cause) {
    return fail(act, owner, 'it threw', cause);
  }
}

/** Says nothing of what the codec threw, which may hold what it was to hide; the cause isn't stored. */
function fail(act: string, { id, type }: PayloadOwner, problem: string, cause?: unknown): never {
  throw new TaskbatonError('CODEC_FAILED', { act, id, type, problem }, { cause });
}
