/** What the main thread and the heartbeat's thread say to each other. All times are in milliseconds. */
import type { Address } from '../core/connection.ts';

/** What the thread is made with. */
export interface ThreadData {
  readonly address: Address;
  readonly prefix: string;
  readonly schema: string | undefined;
  /** What tells the system from all others. */
  readonly identity: string;
  readonly lease: number;
  /** How long after a good renewal the next one is due. */
  readonly renewAfter: number;
  /** How old the last sign of the event loop may be. */
  readonly maxBlock: number;
  /** How often to see whether to renew. */
  readonly step: number;
  /** After how long without an answer a statement is given up. */
  readonly timeout: number;
  /** From when on the loop counts as blocked. */
  readonly threshold: number;
  /** The cells of the main thread's `LoopWatch`. */
  readonly watch: SharedArrayBuffer;
}

/** Whose lease to renew from now on, and where to note that it was done; or to end. */
export type ThreadOrder =
  | 'close'
  | { readonly replica: string | undefined; readonly renewed: SharedArrayBuffer };

export type ThreadMessage =
  /** It has reached the database, and it is the right one. */
  | { readonly what: 'working' }
  /** The database says that this lease has ended. */
  | { readonly what: 'lost'; readonly replica: string }
  | { readonly what: 'failing'; readonly error: string }
  | { readonly what: 'recovered'; readonly failures: number };

/** The cells of a lease: when its last good renewal was sent. */
export const RENEWED = ['renewedAt'] as const;
