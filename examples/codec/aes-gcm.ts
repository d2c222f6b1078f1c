/**
 * A codec that encrypts payloads by AES-256-GCM: to be copied. The envelope names its key, so keys can be changed while
 * tasks live; id and type are authenticated with it, so nobody can put one task's payload into another.
 *
 *   taskbaton option:  codec: aesGcm({ current: '2026-11', keys: { '2026-11': key } })
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { PayloadCodec, PayloadOwner } from 'taskbaton';

export interface KeyRing {
  /** The name of the key that encrypts. */
  readonly current: string;
  /** 32 bytes each; those that are no longer current still decrypt. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

const NONCE = 12;
const TAG = 16;

export function aesGcm({ current, keys }: KeyRing): PayloadCodec {
  const keyOf = (name: string): Uint8Array => {
    const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
    if (key?.length !== 32) throw new Error(`there is no key of 32 bytes called ${name}`);
    return key;
  };
  keyOf(current);
  return {
    encode(text, owner) {
      // Random nonces are safe for some 2³² payloads of one key: change it before that.
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', keyOf(current), nonce);
      cipher.setAAD(ownerBytes(current, owner));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return `${current}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')}`;
    },
    decode(envelope, owner) {
      const dot = envelope.lastIndexOf('.');
      const name = envelope.slice(0, dot);
      const bytes = Buffer.from(envelope.slice(dot + 1), 'base64');
      const decipher = createDecipheriv('aes-256-gcm', keyOf(name), bytes.subarray(0, NONCE));
      decipher.setAAD(ownerBytes(name, owner));
      decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
      return decipher.update(bytes.subarray(NONCE + TAG), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}

function ownerBytes(key: string, { id, type }: PayloadOwner): Buffer {
  return Buffer.from(JSON.stringify([key, id, type]));
}
