/**
 * Pictures of who ran when: one plan of tasks, played by the real store under each policy in simulated time, drawn as one
 * row for each slot. They go with the page "Queues and fairness".
 */
import { type Plan, type PlannedTask, simulate, type Stint } from '../../test/support/simulation.ts';

const SLOTS = 4;
const USERS: Readonly<Record<string, string>> = { ada: '#4c78a8', bob: '#e4853b', eve: '#54a24b' };
const SECOND = 14;
const ROW = 22;
const LEFT = 52;
const TOP = 30;

/** Ada brings many tasks at once; Bob comes with a few; Eve's are important and few. Times in seconds. */
const TASKS: readonly PlannedTask[] = [
  ...tasks(28, { user: 'ada', at: 0, length: 4 }),
  ...tasks(6, { user: 'bob', at: 6, length: 4 }),
  ...tasks(3, { user: 'eve', at: 12, length: 6, priority: 5 }),
];

const PICTURES: Readonly<Record<string, { readonly title: string } & Pick<Plan, 'policy' | 'limits'>>> = {
  fifo: { title: 'fifo: first come, first served', policy: 'fifo' },
  priority: { title: 'priority: Eve’s tasks have 5, all others 0', policy: 'priority' },
  fair: { title: 'fair: slot time shared out between users', policy: 'fair' },
  limit: { title: 'fifo with limits: { user: 2 }', policy: 'fifo', limits: { user: 2 } },
};

/** For each picture its path, and what makes it. */
export const turnPictures: ReadonlyMap<string, () => Promise<string>> = new Map(
  Object.entries(PICTURES).map(([name, { title, ...rest }]) => [
    `docs/images/turns-${name}.svg`,
    async () => drawing(title, await simulate({ ...rest, slots: SLOTS, tasks: TASKS })),
  ]),
);

function tasks(count: number, { at, length, ...task }: PlannedTask): readonly PlannedTask[] {
  return Array.from({ length: count }, () => ({ ...task, at: at * 1000, length: length * 1000 }));
}

function drawing(title: string, stints: readonly Stint[]): string {
  const end = Math.ceil(Math.max(...stints.map((stint) => stint.end)) / 1000);
  const bottom = TOP + SLOTS * ROW;
  const width = LEFT + end * SECOND + 16;
  const x = (ms: number): number => LEFT + (ms / 1000) * SECOND;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 48}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    '<style>text { fill: #333 } .line { stroke: #bbb } @media (prefers-color-scheme: dark) { text { fill: #ddd } .line { stroke: #666 } }</style>',
    `<text x="${LEFT}" y="18" font-weight="600">${title}</text>`,
  ];
  for (let slot = 0; slot < SLOTS; slot++)
    lines.push(`<text x="0" y="${TOP + slot * ROW + 15}">slot ${slot + 1}</text>`);
  for (const { task, slot, begin, end: stop } of stints) {
    const long = ((stop - begin) / 1000) * SECOND - 1;
    lines.push(
      `<rect x="${x(begin)}" y="${TOP + slot * ROW + 1}" width="${long}" height="${ROW - 3}" rx="3" fill="${USERS[task.user]}"><title>${task.user}, ${begin / 1000}–${stop / 1000} s</title></rect>`,
    );
  }
  for (let second = 0; second <= end; second += 10) {
    lines.push(
      `<line class="line" x1="${x(second * 1000)}" x2="${x(second * 1000)}" y1="${TOP}" y2="${bottom}"/>`,
    );
    lines.push(`<text x="${x(second * 1000)}" y="${bottom + 14}" text-anchor="middle">${second} s</text>`);
  }
  for (const [index, [user, colour]] of Object.entries(USERS).entries()) {
    const left = LEFT + index * 190;
    const mine = stints.filter(({ task }) => task.user === user);
    const last = Math.max(...mine.map((stint) => stint.end)) / 1000;
    lines.push(`<rect x="${left}" y="${bottom + 26}" width="12" height="12" rx="3" fill="${colour}"/>`);
    lines.push(`<text x="${left + 18}" y="${bottom + 36}">${user}: last done at ${last} s</text>`);
  }
  return `${[...lines, '</svg>'].join('\n')}\n`;
}
