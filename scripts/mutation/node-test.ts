/** What tests get of `node:test` where Mocha runs them: Mocha's own functions, which it puts in the global scope for each file. */
type Register = (title: string, body: () => unknown) => void;

export const describe: Register = (title, body) => mocha().describe(title, body);
export const it: Register = (title, body) => mocha().it(title, body);
export const test: Register = (title, body) => it(title, body);

function mocha(): Readonly<Record<'describe' | 'it', Register>> {
  return globalThis as unknown as ReturnType<typeof mocha>;
}
