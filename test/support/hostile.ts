/** Texts and values that trip up drivers, databases, JSON and JavaScript objects; and more of them by chance. */
import fc from 'fast-check';

export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  `it's`,
  `"double" and \`back\``,
  `'; DROP TABLE taskbaton_task; --`,
  `') OR ('1' = '1`,
  `$1 ? :name @name %s {0} \${x} $$`,
  '\\',
  '\\\\0 \\n \\u0000 \\x00',
  'a\0b',
  '\0',
  '\ud800',
  'a\udfffb',
  '\udc00\ud800',
  '😀',
  '\u{10ffff}\u{10fffe}',
  'e\u0301 \u00e9',
  '\u202e right to left \u202c',
  '\ufeffbyte order',
  '\ufffe\uffff',
  '\r\n\t\v\f\b\u001b[31m\u0085\u2028\u2029',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  '{"a":1}',
  '%00',
  '<script>alert(1)</script>',
  'x'.repeat(255),
  'x'.repeat(256),
  '😀'.repeat(127),
  'y'.repeat(65_536),
];

const codeUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units));

/** Any text that JavaScript has, well-formed or not. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  { arbitrary: fc.string({ unit: 'binary', maxLength: 300 }), weight: 4 },
  { arbitrary: codeUnits, weight: 2 },
  { arbitrary: fc.constantFrom(...HOSTILE_TEXTS), weight: 3 },
  { arbitrary: fc.string({ unit: 'grapheme' }), weight: 1 },
);

/** Any JSON, with such texts for its strings and for its keys. */
export const values: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.maxSafeInteger(),
    texts,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(texts, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** Whether a database stores `name` as it is: what the library promises to accept as a name. */
export function isPlainName(name: string): boolean {
  return Buffer.byteLength(name) <= 255 && !name.includes('\0') && name.isWellFormed();
}
