/** A bar chart as SVG, readable on light and dark pages alike: one bar for each row, a line for its least and its most. */

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  /** How the value is written. */
  readonly text: string;
  /** Ours, and what isn't a rival, look different. */
  readonly kind: 'ours' | 'peer' | 'bare';
}

const WIDTH = 760;
const LEFT = 270;
const RIGHT = 90;
const TOP = 34;
const ROW = 24;
const FILL = { ours: '#4c78a8', peer: '#9aa5b1', bare: '#e4853b' };
const STYLE =
  'text { fill: #333 } .range { stroke: #333 } @media (prefers-color-scheme: dark) { text { fill: #ddd } .range { stroke: #eee } }';

export function barChart(title: string, bars: readonly Bar[]): string {
  const longest = Math.max(...bars.map(({ most }) => most));
  const x = (value: number): number => round(LEFT + (value / longest) * (WIDTH - LEFT - RIGHT));
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + bars.length * ROW + 8}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<text x="0" y="18" font-weight="600">${escaped(title)}</text>`,
    ...bars.flatMap((bar, index) => row(bar, TOP + index * ROW, x)),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function row(bar: Bar, top: number, x: (value: number) => number): readonly string[] {
  const middle = top + ROW / 2 - 2;
  const weight = bar.kind === 'ours' ? ' font-weight="600"' : '';
  return [
    `<text x="${LEFT - 8}" y="${middle + 4}" text-anchor="end"${weight}>${escaped(bar.label)}</text>`,
    `<rect x="${LEFT}" y="${top}" width="${round(Math.max(1, x(bar.value) - LEFT))}" height="${ROW - 6}" rx="3" fill="${FILL[bar.kind]}"/>`,
    `<line class="range" x1="${x(bar.least)}" x2="${x(bar.most)}" y1="${middle}" y2="${middle}"/>`,
    `<text x="${round(x(bar.most) + 6)}" y="${middle + 4}"${weight}>${escaped(bar.text)}</text>`,
  ];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
