/**
 * What passes between a driver and its server, read as far as a faulty network needs it: where a statement ends and what
 * it says, where its answer ends, and how a server would refuse it. PostgreSQL's protocol 3, and MySQL's.
 */

/** How a server refuses a statement: PostgreSQL by a code of five characters, MySQL by a number. */
export interface Refusal {
  readonly code: string | number;
  readonly message: string;
}

/** One connection's talk. */
export interface Wire {
  /** Takes what the client sends; says which statements are complete with it. */
  asked(data: Buffer): readonly string[];
  /** Takes what the server sends; says whether it has answered a statement in full, and so carried it out. */
  answered(data: Buffer): boolean;
  /** What takes back the transaction that the client has open, if it has one. */
  readonly rollback: Buffer;
  /** The refusal of the statement that was asked last, which was `text`. */
  refusal(refusal: Refusal, text: string): Buffer;
}

export function wireOf(protocol: string): Wire {
  return protocol === 'mysql:' ? new MysqlWire() : new PostgresWire();
}

const READY = 0x5a;
const IN_TRANSACTION = 'T';

class PostgresWire implements Wire {
  readonly rollback: Buffer = message('Q', Buffer.from('ROLLBACK\0'));
  #started = false;
  #pending: Buffer = Buffer.alloc(0);
  #text = '';
  /** Whether the answer to what was asked last ends with word that the server is ready. */
  #synced = true;
  #status = 'I';

  asked(data: Buffer): readonly string[] {
    const statements: string[] = [];
    this.#pending = Buffer.concat([this.#pending, data]);
    for (let taken = this.#take(); taken !== undefined; taken = this.#take()) {
      const { type, body } = taken;
      if (type === 'Q') statements.push((this.#text = textAt(body, 0)));
      // Parse begins with the name of the statement.
      if (type === 'P') this.#text = textAt(body, body.indexOf(0) + 1);
      // Sync and Flush are what a client sends when it waits for an answer.
      if (type === 'S' || type === 'H') statements.push(this.#text);
      if (type !== '') this.#synced = type !== 'H';
    }
    return statements;
  }

  answered(data: Buffer): boolean {
    const ready =
      data.length >= 6 && data[data.length - 6] === READY && data.readUInt32BE(data.length - 5) === 5;
    if (ready) this.#status = String.fromCharCode(data[data.length - 1] ?? 0);
    return ready || !this.#synced;
  }

  refusal({ code, message: words }: Refusal, text: string): Buffer {
    const fields = [`SERROR`, `VERROR`, `C${code}`, `M${words}`].map((field) => `${field}\0`).join('');
    const doomed = this.#status === IN_TRANSACTION && !/^commit/i.test(text);
    return Buffer.concat([
      message('E', Buffer.from(`${fields}\0`)),
      message('Z', Buffer.from(doomed ? 'E' : 'I')),
    ]);
  }

  /** The first message, which opens the connection, has no type. */
  #take(): { type: string; body: Buffer } | undefined {
    const head = this.#started ? 1 : 0;
    if (this.#pending.length < head + 4) return undefined;
    const end = head + this.#pending.readUInt32BE(head);
    if (this.#pending.length < end) return undefined;
    const type = this.#started ? String.fromCharCode(this.#pending[0] ?? 0) : '';
    const body = this.#pending.subarray(head + 4, end);
    this.#pending = this.#pending.subarray(end);
    this.#started = true;
    return { type, body };
  }
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function textAt(body: Buffer, from: number): string {
  return body.toString('utf8', from, body.indexOf(0, from));
}

const COM_QUERY = 3;
/** The longest packet; a longer statement goes as several. */
const FULL_PACKET = 0xffffff;

class MysqlWire implements Wire {
  readonly rollback: Buffer = packet(0, Buffer.concat([Buffer.from([COM_QUERY]), Buffer.from('ROLLBACK')]));
  #pending: Buffer = Buffer.alloc(0);
  #open = '';

  asked(data: Buffer): readonly string[] {
    const statements: string[] = [];
    this.#pending = Buffer.concat([this.#pending, data]);
    while (this.#pending.length >= 4) {
      const length = this.#pending.readUIntLE(0, 3);
      if (this.#pending.length < 4 + length) break;
      const sequence = this.#pending[3];
      const body = this.#pending.subarray(4, 4 + length);
      this.#pending = this.#pending.subarray(4 + length);
      // The packets of a login count on from the server's, so that none of them has the number 0.
      if (sequence === 0 && body[0] === COM_QUERY) this.#open = body.toString('utf8', 1);
      if (this.#open !== '' && length < FULL_PACKET) statements.push(this.#open);
      if (length < FULL_PACKET) this.#open = '';
    }
    return statements;
  }

  /** It answers when it has carried out what was asked, be it that rows follow. */
  answered(): boolean {
    return true;
  }

  refusal({ code, message: words }: Refusal): Buffer {
    const number = Buffer.alloc(3);
    number[0] = 0xff;
    number.writeUInt16LE(Number(code), 1);
    return packet(1, Buffer.concat([number, Buffer.from(`#HY000${words}`)]));
  }
}

function packet(sequence: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  head[3] = sequence;
  return Buffer.concat([head, body]);
}
