/** The live view as lines, for a terminal of any size. What matters less is left out where there is no room. */
import { bar, percent } from '../screen/bar.ts';
import { type Line, type Piece, widthOfLine } from '../screen/line.ts';
import type { Screen } from '../screen/screen.ts';
import { type Column, tableLines } from '../screen/table.ts';
import { clockTime, count, roughly } from '../screen/time.ts';
import { gap } from '../screen/width.ts';
import { leaseCell, nameCell, slotsCell } from '../view/replica.ts';
import { stateBar, stateLegend } from '../view/scope.ts';
import { namesOf, STATE_LOOKS, statePiece, taskLines } from '../view/task.ts';
import { problemText } from '../view/problem.ts';
import type { Row, Scene } from './scene.ts';

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** What the tasks are in. */
  readonly label: string;
  /** The database's time. */
  readonly now: number;
  readonly screen: Screen;
}

const KEYS: readonly (readonly [key: string, does: string])[] = [
  ['↑↓', 'select'],
  ['⏎', 'details'],
  ['p', 'pause'],
  ['r', 'run'],
  ['d', 'delete'],
  ['f', 'finished'],
  ['q', 'quit'],
];

export function pictureOf(scene: Scene, frame: Frame): readonly Line[] {
  const { width, height } = frame;
  const head = [titleLine(scene, frame), ...systemLines(scene, width)];
  const foot = [...noticeLines(scene, width), keysLine(scene)];
  const room = Math.max(3, height - head.length - foot.length);
  const body = scene.details ? detailLines(scene, frame, room) : rowLines(scene, frame, room);
  const blank = Array.from({ length: Math.max(0, room - body.length) }, (): Line => []);
  return [...head, ...body, ...blank, ...foot].map((line): Line => [' ', ...line]);
}

function titleLine({ trouble }: Scene, { label, now, width }: Frame): Line {
  const state: Piece = trouble === undefined ? ['● live', 'green'] : ['● no answer', 'red'];
  const left: Line = [
    ['taskbaton', 'bold'],
    [`  ${label}`, 'dim'],
  ];
  const right: Line = [[clockTime(new Date(now)), 'dim'], '  ', state];
  return [...left, gap(widthOfLine(left) + widthOfLine(right), width - 2), ...right];
}

function systemLines({ overview, gone }: Scene, width: number): readonly Line[] {
  if (overview === undefined) return [];
  const { states, oldestWaiting, replicas } = overview;
  const waits: Line =
    oldestWaiting === undefined ? [] : [[`   oldest waits ${roughly(oldestWaiting)}`, 'dim']];
  const cells = [
    ...replicas.map((replica): Line => [
      ...nameCell(replica),
      ' ',
      ...slotsCell(replica.running.length, replica.concurrency),
      ' ',
      leaseCell(replica.leaseLeft),
    ]),
    ...gone.map(({ replica }): Line => [[`${replica.name} † gone`, 'red']]),
  ];
  return [
    [],
    stateBar(states, width - 2),
    [...stateLegend(states), ...waits],
    [],
    ...(cells.length === 0 ? [[['no replica is alive', 'yellow'] as const]] : flow(cells, width - 2, 2)),
    [],
  ];
}

/** Cells beside one another in at most `most` lines; the rest is counted. */
function flow(cells: readonly Line[], width: number, most: number): readonly Line[] {
  const lines: Piece[][] = [[]];
  for (const [index, cell] of cells.entries()) {
    const line = lines.at(-1) ?? [];
    const taken = widthOfLine(line);
    if (taken > 0 && taken + 3 + widthOfLine(cell) > width) {
      if (lines.length === most) {
        line.push([` +${cells.length - index}`, 'dim']);
        break;
      }
      lines.push([...cell]);
    } else {
      line.push(taken > 0 ? '   ' : '', ...cell);
    }
  }
  return lines;
}

function rowLines(scene: Scene, frame: Frame, room: number): readonly Line[] {
  const { rows, selected, overview } = scene;
  if (rows.length === 0) return [[[overview === undefined ? 'looking …' : 'no task fits', 'dim']]];
  const names = namesOf(overview?.replicas ?? []);
  const at = Math.max(
    0,
    rows.findIndex(({ task }) => task.id === selected),
  );
  const first = Math.max(0, Math.min(at - Math.floor((room - 1) / 2), rows.length - room + 1));
  const shown = rows.slice(first, first + room - 1);
  const [head = [], ...lines] = tableLines(columns(frame.now, names), shown, frame.width - 4);
  return [
    ['  ', ...head],
    ...lines.map((line, index): Line =>
      shown[index]?.task.id === selected ? [['▸ ', 'cyan'], ...line] : ['  ', ...line],
    ),
  ];
}

function columns(now: number, names: ReadonlyMap<string, string>): readonly Column<Row>[] {
  return [
    { head: 'id', align: 'right', cell: ({ task }) => [`${task.id}`] },
    { head: 'type', least: 10, cell: ({ task }) => [task.type] },
    { head: 'state', cell: ({ task, gone }) => (gone ? [['† gone', 'red']] : statePiece(task.state)) },
    {
      head: 'progress',
      least: 14,
      most: 44,
      cell: ({ task }, width) =>
        task.progress === undefined || !Number.isFinite(width)
          ? []
          : [
              ...bar(task.progress, width - 5, STATE_LOOKS[task.state][1]),
              percent(task.progress).padStart(5),
            ],
    },
    {
      head: 'left',
      align: 'right',
      rank: 4,
      cell: ({ remaining }) => [remaining === undefined ? '' : `~${roughly(remaining)}`],
    },
    { head: 'user', least: 5, rank: 3, cell: ({ task }) => [task.user] },
    { head: 'group', least: 6, rank: 2, cell: ({ task }) => [task.group] },
    {
      head: 'replica',
      least: 8,
      rank: 1,
      cell: ({ task }) => [task.replica === undefined ? '' : (names.get(task.replica) ?? '†')],
    },
    {
      head: 'age',
      align: 'right',
      rank: 5,
      cell: ({ task }) => [[roughly(now - task.createdAt.getTime()), 'dim']],
    },
  ];
}

function detailLines({ current, shown, overview }: Scene, { screen }: Frame, room: number): readonly Line[] {
  if (current === undefined || current.gone) return [[['it is gone', 'red']]];
  const task = shown?.id === current.task.id ? shown : current.task;
  return taskLines(task, screen, namesOf(overview?.replicas ?? [])).slice(0, room);
}

function noticeLines({ overview, trouble, notice, question }: Scene, width: number): readonly Line[] {
  if (question !== undefined)
    return [[], [[`${question.text} `, 'yellow'], ['y', 'bold'], '/', ['n', 'bold']]];
  if (trouble !== undefined) return [[], [['✘ ', 'red'], trouble]];
  if (notice !== undefined)
    return [[], [[notice.bad ? '✘ ' : '✔ ', notice.bad ? 'red' : 'green'], notice.text]];
  const [problem, ...more] = overview?.problems ?? [];
  if (problem === undefined || width < 20) return [[]];
  const others = more.length === 0 ? '' : `  +${count(more.length, 'problem')}: taskbaton doctor`;
  const format = problem.severity === 'error' ? 'red' : 'yellow';
  return [[], [['▲ ', format], problemText(problem), [others, 'dim']]];
}

function keysLine({ question, details }: Scene): Line {
  if (question !== undefined) return [];
  return KEYS.flatMap(([key, does], index): Line => [
    index === 0 ? '' : '  ',
    [key, 'bold'],
    [` ${key === '⏎' && details ? 'list' : does}`, 'dim'],
  ]);
}
