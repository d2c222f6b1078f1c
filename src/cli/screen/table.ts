/**
 * Tables: on a terminal aligned and fitted to its width, where columns that matter less go first; elsewhere a head and
 * rows of texts with tabs between them, always with all columns and exact values, for other programs.
 */
import { type Line, type Piece, TAB, textOf, widthOfLine } from './line.ts';
import { cut, gap, widthOf } from './width.ts';

export interface Column<Row> {
  readonly head: string;
  /** For people; `width` is what there is room for. */
  readonly cell: (row: Row, width: number) => Line;
  /** For programs; what people see, if it isn't given. */
  readonly value?: (row: Row) => string | number | boolean | undefined;
  readonly align?: 'right';
  /** The higher, the sooner it is left out where there isn't room for all; 0 stays. */
  readonly rank?: number;
  /** It may be narrowed to this many columns, its texts cut. */
  readonly least?: number;
  /** People aren't shown it, for they see it elsewhere. */
  readonly programsOnly?: true;
  /** Its cells are drawn as wide as there is room, up to this. */
  readonly most?: number;
}

const GAP = '  ';
/** From this rank on, a column goes before others are narrowed. */
const NICE = 4;

/** Lines of a table that takes at most `width` columns. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): readonly Line[] {
  const shown = columns.filter(({ programsOnly }) => programsOnly !== true);
  const fitted = fit(shown, rows, width);
  const head = fitted.map(({ column, size }, index): Piece => [
    place(column, [column.head.toUpperCase()], size, index === fitted.length - 1)
      .map(textOf)
      .join(''),
    'dim',
  ]);
  const body = rows.map((row): Line =>
    fitted.flatMap(({ column, size }, index) =>
      place(column, column.cell(row, size), size, index === fitted.length - 1),
    ),
  );
  return [head, ...body];
}

/** The same for programs. */
export function tableRows<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly Line[] {
  const values = rows.map((row) => columns.map((column) => valueOf(column, row)));
  return [columns.map(({ head }) => head), ...values].map((cells) =>
    cells.flatMap((text, index): Line => (index === 0 ? [text] : [TAB, text])),
  );
}

function valueOf<Row>({ cell, value }: Column<Row>, row: Row): string {
  return value === undefined ? cell(row, Infinity).map(textOf).join('') : String(value(row) ?? '');
}

interface Fitted<Row> {
  readonly column: Column<Row>;
  readonly size: number;
}

/** Leaves out columns until the rest has room, then narrows and widens those that can be. */
function fit<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
): readonly Fitted<Row>[] {
  let left = columns.map((column) => ({ column, size: naturalSize(column, rows) }));
  const least = ({ column, size }: Fitted<Row>): number => Math.min(size, column.least ?? size);
  const taken = (list: readonly Fitted<Row>[], size: (fitted: Fitted<Row>) => number): number =>
    list.reduce((sum, one) => sum + size(one), GAP.length * Math.max(0, list.length - 1));
  for (;;) {
    const rank = Math.max(0, ...left.map(({ column }) => column.rank ?? 0));
    const needed = taken(left, rank < NICE ? least : ({ size }) => size);
    if (needed <= width || rank === 0) break;
    left = left.filter(({ column }) => (column.rank ?? 0) !== rank);
  }
  let excess = taken(left, ({ size }) => size) - width;
  const narrowed = left.toReversed().map((fitted) => {
    const less = Math.min(Math.max(0, excess), fitted.size - least(fitted));
    excess -= less;
    return { ...fitted, size: fitted.size - less };
  });
  let room = Math.max(0, -excess);
  return narrowed.toReversed().map(({ column, size }) => {
    const more = column.most === undefined ? 0 : Math.min(room, Math.max(0, column.most - size));
    room -= more;
    return { column, size: size + more };
  });
}

function naturalSize<Row>({ head, cell, least, most }: Column<Row>, rows: readonly Row[]): number {
  if (most !== undefined) return Math.max(widthOf(head), least ?? 0);
  return rows.reduce((size, row) => Math.max(size, widthOfLine(cell(row, Infinity))), widthOf(head));
}

/** The pieces of a cell, cut and filled to `size`; the last one of a line isn't filled. */
function place<Row>({ align }: Column<Row>, cell: Line, size: number, last: boolean): Line {
  const taken = widthOfLine(cell);
  if (align === 'right') return [gap(taken, size), ...narrow(cell, size), last ? '' : GAP];
  return [...narrow(cell, size), last ? '' : gap(Math.min(taken, size), size) + GAP];
}

function narrow(cell: Line, size: number): Line {
  let room = size;
  return cell.map((piece): Piece => {
    const text = cut(textOf(piece), room);
    room -= widthOf(text);
    return typeof piece === 'string' ? text : [text, piece[1]];
  });
}
