/** The command that serves the dashboard on this machine, to whoever has started it. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dashboard as createDashboard, toNodeHandler } from '../../dashboard/index.ts';
import { systemClock } from '../../runtime/clock.ts';
import { type Command, command } from '../command.ts';
import { Door } from '../door.ts';
import { CommandError } from '../exit.ts';
import { usage } from '../parse.ts';
import type { Session } from '../session.ts';

const HIGHEST_PORT = 65_535;

export const dashboard: Command = command({
  name: 'dashboard',
  section: 'Start',
  summary: 'Serves a page that shows and steers the system, on this machine only.',
  about:
    'The link that it prints lets in once; the browser that opens it is known by a cookie from then on. Ctrl-C ends it.',
  arguments: {},
  options: {
    port: { kind: 'number', value: 'N', about: 'The port on 127.0.0.1; any that is free by default.' },
  },
  examples: ['dashboard --db sqlite:tasks.db', 'dashboard --port 4747'],
  async run({ port = 0 }, session) {
    if (port < 0 || port > HIGHEST_PORT)
      throw usage(`--port is ${port}: it must be from 0 to ${HIGHEST_PORT}`, dashboard);
    const baton = await session.baton();
    await session.store();
    const ended = new Promise<void>((resolve) => {
      const off = session.host.onSignal(() => {
        off();
        resolve();
      });
    });
    const server = await listen(port);
    try {
      const door = new Door({
        user: `cli:${session.host.user}`,
        port: (server.address() as AddressInfo).port,
        // 122 bits of it are chance, and the link stays on a line.
        secret: () => systemClock.uuid().replaceAll('-', ''),
      });
      const { options } = await session.place();
      const handler = createDashboard(baton, {
        access: door.access,
        ...(options.tasks === undefined ? {} : { tasks: options.tasks }),
      });
      server.on('request', toNodeHandler(handler));
      await tell(session, door.link);
      await ended;
    } finally {
      server.close();
      server.closeAllConnections();
    }
    return undefined;
  },
});

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    const remedy = 'Choose another one with --port, or none.';
    throw new CommandError('failure', `port ${port} cannot be used`, remedy, { cause });
  }
  return server;
}

async function tell(session: Session, link: string): Promise<void> {
  const { label } = await session.place();
  const screen = session.screen();
  if (session.json) screen.printJson({ url: link });
  else if (!screen.live) screen.print([[link]]);
  else
    screen.print([
      [
        ['taskbaton', 'bold'],
        [`  ${label}`, 'dim'],
      ],
      [],
      ['  ', [link, 'cyan']],
      [],
      [['The link lets in once, from this machine only. Ctrl-C ends the dashboard.', 'dim']],
    ]);
}
