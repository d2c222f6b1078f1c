/** The program of a process that serves a dashboard, as a web tier does that runs no tasks. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Taskbaton } from 'taskbaton';
import { dashboard, toNodeHandler } from 'taskbaton/dashboard';
import { serve } from './serve.ts';

const [db] = process.argv.slice(2);
const baton = new Taskbaton({ db, logger: null });
const server = createServer(
  toNodeHandler(dashboard(baton, { access: () => ({ user: 'ops', can: ['read'], scope: null }) })),
);

// Nobody is hung up on while asking.
server.keepAliveTimeout = 0;

serve({ start });

/** Resolves to where it can be asked. */
async function start(): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
