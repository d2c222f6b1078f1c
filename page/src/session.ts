/** Who looks at the page, and what they may do. */
import { signal } from '@preact/signals';
import type { Permission, Session } from '../../src/dashboard/api.ts';
import { api, type ApiError, UNREACHABLE } from './api/client.ts';
import { listen } from './live/events.ts';
import { asApiError } from './live/resource.ts';

export const session = signal<Session | undefined>(undefined);
export const sessionError = signal<ApiError | undefined>(undefined);

export function startSession(): void {
  const ask = (): void => {
    if (session.value !== undefined) return;
    api.session().then(
      (found) => {
        session.value = found;
        sessionError.value = undefined;
      },
      (error: unknown) => {
        sessionError.value = asApiError(error);
      },
    );
  };
  ask();
  listen({
    pulse: () => {
      if (sessionError.value?.status === UNREACHABLE) ask();
    },
  });
}

export function may(permission: Permission): boolean {
  return session.value?.can.includes(permission) === true;
}
