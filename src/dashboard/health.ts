/** What probes ask, without access: `healthz`, whether this process answers; `readyz`, whether its database does. */
import { DATA_HEADERS } from './guard.ts';
import type { Host } from './host.ts';

type Probe = 'healthz' | 'readyz';

export function isHealth(path: string | undefined): path is Probe {
  return path === 'healthz' || path === 'readyz';
}

export async function health(probe: Probe, { ready: ping }: Host): Promise<Response> {
  const ready = probe === 'healthz' || (await ping().then(...TRUE_OR_FALSE));
  return Response.json({ ok: ready }, { status: ready ? 200 : 503, headers: DATA_HEADERS });
}

const TRUE_OR_FALSE = [() => true, () => false] as const;
