/** What is told to many, kept until all of them have taken it: each reads it at its own pace, from where it stands. */

export interface Message {
  readonly words: Uint8Array;
  /** The number of the entry of the history that it tells of. */
  readonly entry?: number | undefined;
}

/** Some messages in a row, as one piece. */
interface Stretch {
  readonly from: number;
  /** The number of the message behind the last of them. */
  readonly to: number;
  readonly words: Uint8Array;
  /** For whom, and out of what, it was made. */
  readonly most: number;
  readonly end: number;
}

export class MessageLog {
  readonly #messages: Message[] = [];
  #first = 0;
  #bytes = 0;
  #last: Stretch | undefined;

  /** The number of the oldest message that is still there. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next message will have. */
  get end(): number {
    return this.#first + this.#messages.length;
  }

  append(message: Message): void {
    this.#messages.push(message);
    this.#bytes += message.words.byteLength;
  }

  /** From one message on, as many as fit into so many bytes, but one at least; without those that `isKnown`. */
  read(from: number, most: number, isKnown?: (entry: number) => boolean): Stretch {
    // Most readers stand at the same place, and have as much room.
    if (isKnown === undefined && this.#isLast(from, most)) return this.#last as Stretch;
    const taken: Uint8Array[] = [];
    let [to, bytes] = [from, 0];
    for (; to < this.end && bytes < most; to++) {
      const message = this.#messages[to - this.#first];
      if (message === undefined) break;
      if (message.entry !== undefined && isKnown?.(message.entry) === true) continue;
      if (bytes > 0 && bytes + message.words.byteLength > most) break;
      taken.push(message.words);
      bytes += message.words.byteLength;
    }
    const stretch = { from, to, words: Buffer.concat(taken), most, end: this.end };
    if (isKnown === undefined) this.#last = stretch;
    return stretch;
  }

  #isLast(from: number, most: number): boolean {
    const last = this.#last;
    if (last?.from !== from || last.most !== most) return false;
    return last.to < last.end || last.to === this.end;
  }

  /** Lets go of all messages before this one, and of the oldest ones while there are more than so many bytes of them. */
  trim(before: number, most: number): void {
    let count = 0;
    for (const { words } of this.#messages) {
      if (this.#first + count >= before && this.#bytes <= most) break;
      this.#bytes -= words.byteLength;
      count++;
    }
    this.#messages.splice(0, count);
    this.#first += count;
  }
}
