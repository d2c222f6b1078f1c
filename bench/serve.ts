/** The child's side of an actor: answers commands, and tells its parent what it counts. */
import type { Command, Message } from './actor.ts';

export type Commands = Readonly<Record<string, (argument: never) => Promise<unknown>>>;

export function serve(commands: Commands): void {
  process.on('message', (command: Command) => void answer(commands, command));
  process.on('disconnect', () => process.exit());
  process.on('unhandledRejection', (error) => console.error(process.argv.slice(2).join(' '), error));
  tell({ kind: 'ready' });
}

/** A parent that is gone need not be told. */
export function tell(message: Message): void {
  process.send?.(message, undefined, undefined, () => undefined);
}

async function answer(commands: Commands, { id, name, argument }: Command): Promise<void> {
  try {
    const result = await commands[name]?.(argument as never);
    tell({ kind: 'answer', id, result });
  } catch (error) {
    tell({
      kind: 'answer',
      id,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}
