/** What a replica holds: its lease running out until it is renewed, and its slots. */
import type { ReplicaView } from '../../../src/dashboard/api.ts';
import { now } from '../live/clock.ts';
import { duration } from '../text/format.ts';
import { text } from '../text/text.ts';

/** The longest lease seen of each replica; what a bar shows is a share of it. */
const longest = new Map<string, number>();

/** Below this share, a lease that should have been renewed wasn't. */
const SHORT = 0.25;

export function LeaseBar({ replica }: { replica: ReplicaView }) {
  const left = Math.max(0, Date.parse(replica.leaseUntil) - now.value);
  const full = Math.max(longest.get(replica.id) ?? 0, replica.leaseLeft);
  longest.set(replica.id, full);
  const share = full === 0 ? 0 : Math.min(1, left / full);
  const words = text().replicas;
  return (
    <div class={`lease${share < SHORT ? ' short' : ''}`}>
      <div
        class="lease-track"
        role="meter"
        aria-label={words.lease}
        aria-valuemin={0}
        aria-valuemax={Math.round(full / 1000)}
        aria-valuenow={Math.round(left / 1000)}
      >
        <div class="lease-fill" style={{ transform: `scaleX(${share})` }} />
      </div>
      <span class="lease-left">
        {left === 0 ? words.leaseEnded : words.leaseLeft(duration(Math.ceil(left / 1000) * 1000))}
      </span>
    </div>
  );
}

/** More slots than this are told in figures only. */
const MOST_PIPS = 20;

export function Slots({ used, total }: { used: number; total: number }) {
  return (
    <div class="slots">
      {total > MOST_PIPS ? null : (
        <span class="pips" aria-hidden="true">
          {Array.from({ length: total }, (_, slot) => (
            <span class={slot < used ? 'pip used' : 'pip'} key={slot} />
          ))}
        </span>
      )}
      <span>{text().replicas.slots(used, total)}</span>
    </div>
  );
}
