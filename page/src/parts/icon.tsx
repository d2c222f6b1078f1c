/** Small drawings, all of one hand: 16 by 16, strokes of 1.5. They are decoration; words beside them say the same. */
const PATHS = {
  overview: 'M2.5 9.5h4v4h-4zM9.5 7h4v6.5h-4zM2.5 2.5h4v4h-4zM9.5 2.5h4v1.6h-4z',
  tasks: 'M5.5 3.5h8M5.5 8h8M5.5 12.5h8M2.4 3.5h.2M2.4 8h.2M2.4 12.5h.2',
  queues: 'M2.5 2.5h4.6v4.6H2.5zM8.9 2.5h4.6v4.6H8.9zM2.5 8.9h4.6v4.6H2.5zM8.9 8.9h4.6v4.6H8.9z',
  replicas: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
  schedules: 'M8 2.2a5.8 5.8 0 1 0 0 11.6A5.8 5.8 0 0 0 8 2.2zM8 5v3.2l2.2 1.4',
  run: 'M5 3.2v9.6l7.6-4.8z',
  pause: 'M5.2 3.2v9.6M10.8 3.2v9.6',
  move: 'M2.5 8h10M9 4.5 12.5 8 9 11.5',
  delete: 'M3 4.5h10M6.5 4.3V2.8h3v1.5M4.3 4.5l.6 8.7h6.2l.6-8.7M6.8 7v3.6M9.2 7v3.6',
  create: 'M8 3.2v9.6M3.2 8h9.6',
  check: 'M3.2 8.4l3.1 3.1 6.5-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  warning: 'M8 2.4 14.2 13H1.8zM8 6.4v3.2M8 11.2v.2',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.4 10.4l3.1 3.1',
  older: 'M6 3.5 10.5 8 6 12.5',
  newer: 'M10 3.5 5.5 8l4.5 4.5',
  auto: 'M8 2.4a5.6 5.6 0 1 0 0 11.2zM8 2.4a5.6 5.6 0 0 1 0 11.2',
  light:
    'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M3.5 12.5l.8-.8M11.7 4.3l.8-.8',
  dark: 'M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z',
  keyboard: 'M1.8 4h12.4v8H1.8zM4.4 6.5h.1M7 6.5h.1M9.6 6.5h.1M11.9 6.5h.1M5 9.6h6',
  more: 'M3.5 8h.1M8 8h.1M12.4 8h.1',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.3V2.5h-8v8h2.8',
  edit: 'M3 13l.6-2.8 7-7 2.2 2.2-7 7zM9.4 4.4l2.2 2.2',
  drain: 'M8 2.5v7M4.8 6.6 8 9.8l3.2-3.2M3 13.2h10',
  handover: 'M2 11.5c4 0 4-7 8-7h3.5M11 2l2.6 2.5L11 7',
  pending: 'M8 2.4a5.6 5.6 0 1 0 0 11.2A5.6 5.6 0 0 0 8 2.4z',
  waiting:
    'M4.4 2.5h7.2M4.4 13.5h7.2M5.2 2.5c0 3 2.8 3.6 2.8 5.5s-2.8 2.5-2.8 5.5M10.8 2.5c0 3-2.8 3.6-2.8 5.5s2.8 2.5 2.8 5.5',
  stop: 'M4.4 4.4h7.2v7.2H4.4z',
  init: 'M3.4 8h.1M6.5 8h.1M9.5 8h.1M12.5 8h.1',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** A baton in flight. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <g transform="rotate(-38 16 16)">
        <rect class="mark-figure" x="4" y="12.5" width="24" height="7" rx="3.5" />
        <rect class="mark-ground" x="12.5" y="12.5" width="3" height="7" />
        <rect class="mark-ground" x="18" y="12.5" width="1.8" height="7" />
      </g>
    </svg>
  );
}
