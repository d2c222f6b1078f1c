/** All routes, in one table, their own description among them. */
import { openApi } from './openapi.ts';
import type { Route } from './route.ts';
import { SCHEMAS } from './schemas.ts';
import { SYSTEM_ROUTES } from './system-routes.ts';
import { TASK_ROUTES } from './task-routes.ts';

export const ROUTES: readonly Route[] = [
  ...SYSTEM_ROUTES,
  ...TASK_ROUTES,
  {
    method: 'GET',
    path: 'api/openapi.json',
    name: 'getOpenApi',
    summary: 'This description.',
    needs: [],
    scoped: true,
    status: 200,
    answer: 'application/json',
    handle: async () => openApi(ROUTES, SCHEMAS),
  },
];
