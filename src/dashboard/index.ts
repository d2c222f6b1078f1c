/** The door `taskbaton/dashboard`: the page, its API, metrics and health, as one handler of requests. */
export type { Access, Visitor } from './access.ts';
export type * from './api.ts';
export { dashboard, type DashboardHandler } from './dashboard.ts';
export { type NodeHandler, toNodeHandler } from './node.ts';
export { type Origin, withOrigin } from './origin.ts';
export type { DashboardOptions } from './options.ts';
