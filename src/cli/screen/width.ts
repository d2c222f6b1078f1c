/**
 * How many columns a text takes on a terminal, and texts cut or filled to a number of them. East Asian characters and
 * emoji take two, marks that combine with others none; what people see as one character is never torn apart.
 */

/** Of the property East_Asian_Width those that are wide or full, apart from emoji. */
const WIDE =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\u33FF\u3400-\u4DBF\u4E00-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{16FE0}-\u{18DFF}\u{1AFF0}-\u{1B2FF}\u{1F200}-\u{1F2FF}\u{20000}-\u{3FFFD}]/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Extended_Pictographic}\uFE0F|\uFE0F\u20E3/u;
const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}\p{Default_Ignorable_Code_Point}]+$/u;
const PLAIN = /^[\u0020-\u007E]*$/;

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOfOne(segment);
  return width;
}

function widthOfOne(character: string): number {
  if (WIDE.test(character) || EMOJI.test(character)) return 2;
  return NOTHING.test(character) ? 0 : 1;
}

/** `text` in at most `width` columns; what is cut off leaves an ellipsis. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 1) return '';
  let kept = '';
  let room = width - 1;
  for (const { segment } of segmenter.segment(text)) {
    room -= widthOfOne(segment);
    if (room < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Spaces that fill a text of so many columns up to `width`. */
export function gap(taken: number, width: number): string {
  return ' '.repeat(Math.max(0, width - taken));
}
