/** A user, group or type as a whole: pausing it, and limiting it. */
import type { LimitRequest, PauseRequest, ScopeView } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { ask } from '../parts/dialog.tsx';
import { Icon } from '../parts/icon.tsx';
import { tellDone, tellFailed } from '../parts/toast.tsx';
import { may } from '../session.ts';
import { text } from '../text/text.ts';

/** Pausing is asked about, since it stops the work of others; going on is not. */
export async function toggleScope(kind: PauseRequest['kind'], scope: ScopeView): Promise<void> {
  const words = text().queues;
  const { name, paused } = scope;
  const shown = name === '' ? words.nameless : name;
  try {
    if (paused) {
      await api.resume({ kind, name });
      tellDone(words.resumed(shown), () => api.pause({ kind, name }).then(() => undefined));
      return;
    }
    const answer = await ask({
      title: words.pauseTitle[kind](shown),
      detail: words.pauseDetail,
      action: words.pause,
      reason: true,
    });
    if (answer === undefined) return;
    await api.pause({ kind, name, ...(answer.reason === '' ? {} : { reason: answer.reason }) });
    tellDone(words.paused(shown), () => api.resume({ kind, name }).then(() => undefined));
  } catch (error) {
    tellFailed(error);
  }
}

export async function changeLimit(
  kind: LimitRequest['kind'],
  name: LimitRequest['name'],
  limit: number | null,
): Promise<void> {
  try {
    await api.limit({ kind, name, limit });
  } catch (error) {
    tellFailed(error);
  }
}

export function PauseButton({
  scope,
  label,
  toggle,
}: {
  scope: ScopeView;
  label: string;
  toggle: () => void;
}) {
  const words = text().queues;
  if (!may('limits')) return null;
  const title = scope.paused ? words.resumeName(label) : words.pauseName(label);
  return (
    <button type="button" class="button quiet square" aria-label={title} title={title} onClick={toggle}>
      <Icon name={scope.paused ? 'run' : 'pause'} />
    </button>
  );
}
