/**
 * The machine that the program runs on: its streams, its environment, its user and its clock on the wall, which is only
 * ever shown or compared, never written. Everything else gets it from here.
 */
import { userInfo } from 'node:os';

export interface Host {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly nodeVersion: string;
  /** How to start Node.js as this process was started. */
  readonly execPath: string;
  readonly execArgv: readonly string[];
  /** The name of who is logged in. */
  readonly user: string;
  /** Milliseconds since 1970. */
  time(): number;
  /** Calls `listener` when the process is asked to end; the returned function ends that. */
  onSignal(listener: (signal: NodeJS.Signals) => void): () => void;
  /** Calls `listener` when the process ends, whatever ends it but SIGKILL; the returned function ends that. */
  onExit(listener: () => void): () => void;
}

/** That something of Node.js is experimental, or slower than it might be, is nothing that whoever types a command can change. */
const NOISE = /ExperimentalWarning|MODULE_TYPELESS_PACKAGE_JSON/;

/** Keeps Node.js from printing such warnings; all others are printed. */
export function silenceNode(): void {
  const emit = process.emitWarning.bind(process) as (...given: unknown[]) => void;
  process.emitWarning = (...given: unknown[]) => {
    const text = given.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(' ');
    if (!NOISE.test(text)) emit(...given);
  };
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function openHost(): Host {
  const { stdin, stdout, stderr, env, versions, execPath, execArgv } = process;
  return {
    stdin,
    stdout,
    stderr,
    environment: env,
    folder: process.cwd(),
    nodeVersion: versions.node,
    execPath,
    execArgv,
    user: userName(),
    time: () => Date.now(),
    onSignal: (listener) => {
      for (const signal of SIGNALS) process.on(signal, listener);
      return () => {
        for (const signal of SIGNALS) process.off(signal, listener);
      };
    },
    onExit: (listener) => {
      process.on('exit', listener);
      return () => void process.off('exit', listener);
    },
  };
}

/** A container may run under a number that nobody gave a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
