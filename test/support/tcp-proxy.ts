/**
 * A network that can be made to fail: a proxy in front of a database server, to cut, to stall, to take away, or to do
 * something to a chosen statement, before it arrives or with its answer.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Refusal, type Wire, wireOf } from './wire.ts';

/**
 * What becomes of a statement. `unsent`: it never arrives, and the connection is reset. The others arrive and are carried out:
 * `unanswered`: the answer is lost, and the connection is reset; `closed`: the same, but the connection is closed in order;
 * `torn`: reset in the midst of the answer; `half-open`: neither an answer nor an end, ever; `late`: after so many
 * milliseconds. What is `refused` does not arrive: the server rolls back, and says so in these words.
 */
export type Fault =
  | 'unsent'
  | 'unanswered'
  | 'closed'
  | 'torn'
  | 'half-open'
  | { readonly late: number }
  | { readonly refused: Refusal };

/** Asked about each statement; it goes through if there is nothing to be done to it. */
export type Judge = (text: string) => Fault | undefined;

export class TcpProxy {
  /** May be exchanged at any time. */
  judge: Judge = () => undefined;
  /** Told when an answer is there and kept from who waits for it, for good or for a while. */
  withheld: () => void = () => undefined;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #protocol: string;
  readonly #links = new Set<Link>();
  #server: Server;
  #port = 0;
  #stalled = false;

  private constructor(url: string) {
    const { hostname, port, protocol } = new URL(url);
    const standard = protocol === 'mysql:' ? 3306 : 5432;
    this.#target = { host: hostname, port: Number(port === '' ? standard : port) };
    this.#protocol = protocol;
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

  /** How many connections there are. */
  get connections(): number {
    return this.#links.size;
  }

  /** From now on nothing gets through, and nobody is told: half-open connections, and new ones too. */
  stall(): void {
    this.#stalled = true;
    for (const link of this.#links) link.stall();
  }

  /** What was stalled goes on, with all that was sent meanwhile. */
  resume(): void {
    this.#stalled = false;
    for (const link of this.#links) link.resume();
  }

  /** The present connections are half-open for good; new ones work. */
  abandon(): void {
    for (const link of this.#links) link.abandon();
  }

  /** Resets all connections. */
  cut(): void {
    for (const link of this.#links) link.reset();
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
    const link = new Link(near, connect(this.#target), wireOf(this.#protocol), {
      judge: (text) => this.judge(text),
      withheld: () => this.withheld(),
    });
    this.#links.add(link);
    link.closed = () => this.#links.delete(link);
    if (this.#stalled) link.stall();
  }
}

/** How much of a torn answer arrives: not even the head of its first message. */
const TORN_BYTES = 3;

interface Orders {
  readonly judge: Judge;
  readonly withheld: () => void;
}

type Asked = { readonly text: string; readonly fault: Fault };

/** One connection, from its client (near) to the server (far). */
class Link {
  closed: () => unknown = () => undefined;
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #wire: Wire;
  readonly #orders: Orders;
  /** Nothing gets through any more, whoever goes. */
  #abandoned = false;
  /** Nothing gets through for now. */
  #stalled = false;
  /** What is to become of the answer under way. */
  #asked: Asked | undefined;

  constructor(near: Socket, far: Socket, wire: Wire, orders: Orders) {
    [this.#near, this.#far, this.#wire, this.#orders] = [near, far, wire, orders];
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        if (this.#abandoned && one === far) return;
        if (this.#stalled) return;
        other.destroy();
        this.closed();
      });
    }
    near.on('data', (data) => this.#ask(data));
    far.on('data', (data) => this.#answer(data));
  }

  stall(): void {
    this.#stalled = true;
    this.#near.pause();
    this.#far.pause();
  }

  resume(): void {
    this.#stalled = false;
    if (this.#abandoned) return;
    for (const [one, other] of [
      [this.#near, this.#far],
      [this.#far, this.#near],
    ] as const) {
      if (one.destroyed) other.destroy();
      one.resume();
    }
  }

  /** The server is rid of it, or its session would hold its locks. */
  abandon(): void {
    this.#abandoned = true;
    this.#near.pause();
    this.#far.destroy();
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  #ask(data: Buffer): void {
    if (this.#abandoned) return;
    for (const text of this.#wire.asked(data)) {
      const fault = this.#orders.judge(text);
      if (fault === undefined) continue;
      if (fault === 'unsent') return this.reset();
      this.#asked = { text, fault };
      if (typeof fault === 'object' && 'refused' in fault) return void this.#far.write(this.#wire.rollback);
    }
    this.#far.write(data);
  }

  #answer(data: Buffer): void {
    if (this.#abandoned) return;
    const complete = this.#wire.answered(data);
    if (this.#asked === undefined) return void this.#near.write(data);
    if (complete) this.#spoil(this.#asked, data);
  }

  #passLater(data: Buffer, ms: number): void {
    this.#far.pause();
    this.#orders.withheld();
    setTimeout(() => {
      this.#near.write(data);
      this.#far.resume();
    }, ms);
  }

  #spoil({ text, fault }: Asked, data: Buffer): void {
    this.#asked = undefined;
    if (typeof fault === 'object') {
      if ('refused' in fault) this.#near.write(this.#wire.refusal(fault.refused, text));
      else this.#passLater(data, fault.late);
    } else if (fault === 'half-open') {
      this.abandon();
      this.#orders.withheld();
    } else if (fault === 'closed') this.#near.end(() => this.#far.destroy());
    else if (fault === 'torn') this.#near.write(data.subarray(0, TORN_BYTES), () => this.reset());
    else this.reset();
  }
}
