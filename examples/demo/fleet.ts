/**
 * The replicas as processes: started, stopped by SIGTERM, killed by SIGKILL, and told apart by letters. One that ends
 * although nobody asked it to is a failure of the demo.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Place } from '../support/place.ts';
import type { ReplicaMessage } from './import-rows.ts';

export interface Member {
  readonly letter: string;
  readonly process: ChildProcess;
  state: 'starting' | 'alive' | 'stopping' | 'stopped' | 'killed';
}

export interface FleetOptions {
  readonly place: Place;
  readonly onMessage: (member: Member, message: ReplicaMessage) => void;
  readonly onFailure: (error: Error) => void;
}

/** Beside this file, in its sources as in what is built of them. */
const PROGRAM = fileURLToPath(new URL(`replica${extname(import.meta.filename)}`, import.meta.url));
const LONGEST_COMPLAINT = 2000;

export class Fleet {
  readonly members: Member[] = [];
  readonly #options: FleetOptions;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Starts one more replica; resolves once it takes tasks. */
  async launch(): Promise<Member> {
    const { place, onMessage, onFailure } = this.#options;
    const letter = String.fromCodePoint(65 + this.members.length);
    const child = fork(PROGRAM, [place.url, place.prefix, letter], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const member: Member = { letter, process: child, state: 'starting' };
    this.members.push(member);
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-LONGEST_COMPLAINT);
    });
    child.once('exit', (code, signal) => {
      const asked = member.state === 'killed' || (member.state === 'stopping' && code === 0);
      if (member.state === 'stopping') member.state = 'stopped';
      if (!asked)
        onFailure(new Error(`replica ${letter} ended with ${signal ?? `code ${code}`}. ${complaint}`));
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    child.on('message', (message: ReplicaMessage) => {
      if (message.what === 'ready') resolve();
      else onMessage(member, message);
    });
    await promise;
    member.state = 'alive';
    return member;
  }

  /** Asks for a graceful stop; resolves once the process has ended. */
  async stop(member: Member): Promise<void> {
    member.state = 'stopping';
    await this.#end(member, 'SIGTERM');
  }

  /** Ends the process without a chance to do anything more. */
  async kill(member: Member): Promise<void> {
    member.state = 'killed';
    await this.#end(member, 'SIGKILL');
  }

  async stopAll(): Promise<void> {
    await Promise.all(
      this.members.filter(({ state }) => state === 'alive').map((member) => this.stop(member)),
    );
  }

  /** For whatever way the demo ends: no process outlives it. */
  killAll(): void {
    for (const member of this.members) {
      if (!hasEnded(member.process)) {
        member.state = 'killed';
        member.process.kill('SIGKILL');
      }
    }
  }

  /** The member behind a replica's name, which ends in the number of its process. */
  find(name: string): Member | undefined {
    return this.members.find(({ process: child }) => name.endsWith(`:${child.pid}`));
  }

  async #end({ process: child }: Member, signal: NodeJS.Signals): Promise<void> {
    if (hasEnded(child)) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
