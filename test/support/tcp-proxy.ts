/** A network that can be made to fail: a proxy in front of a TCP server, to cut, to stall or to take away. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #port = 0;
  #stalled = false;

  private constructor(url: string) {
    const { hostname, port, protocol } = new URL(url);
    const standard = protocol === 'mysql:' ? 3306 : 5432;
    this.#target = { host: hostname, port: Number(port === '' ? standard : port) };
    this.#server = createServer();
  }

  static async to(url: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(url);
    await proxy.restore();
    return proxy;
  }

  /** `url` by way of the proxy. */
  through(url: string): string {
    const changed = new URL(url);
    changed.host = `127.0.0.1:${this.#port}`;
    return changed.href;
  }

  /** From now on nothing gets through, and nobody is told: half-open connections. */
  stall(): void {
    this.#stalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Resets all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Cuts, and refuses new connections until `restore()`. */
  async takeAway(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  async restore(): Promise<void> {
    this.#stalled = false;
    this.#server = createServer((near) => this.#join(near));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  #join(near: Socket): void {
    const far = connect(this.#target);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        if (!this.#stalled) other.destroy();
      });
      one.on('data', (data) => {
        if (!this.#stalled) other.write(data);
      });
      if (this.#stalled) one.pause();
    }
  }
}
