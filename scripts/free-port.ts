/**
 * A TCP port for a server that may be restarted on it. It lies below the range that the system hands out to clients:
 * a client that keeps dialling a port of that range can be given the very port it dials, connect to itself, and so
 * keep the server from coming back.
 */
import { createServer } from 'node:net';

const FIRST = 20_000;
const COUNT = 10_000;

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error(
    `No free port between ${FIRST} and ${FIRST + COUNT}. Stop some of the servers that use them.`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
