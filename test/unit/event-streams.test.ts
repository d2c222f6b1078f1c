/** Streams of those who may see the same: one log for all of them, and nobody is told twice what they know. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { HistoryEntry, Noted } from '../../src/core/history.ts';
import type { Sources } from '../../src/dashboard/audience.ts';
import { EventStreams } from '../../src/dashboard/event-streams.ts';
import { MessageLog } from '../../src/dashboard/message-log.ts';
import { systemClock } from '../../src/runtime/clock.ts';

const words = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function noted(id: number): Noted {
  const entry = { cursor: String(id), task: id, user: '', group: '', event: 'create', at: new Date(0) };
  return { id, entry: entry as HistoryEntry };
}

it('a log is read from anywhere, by as much as there is room for, without what is known', () => {
  const log = new MessageLog();
  for (const entry of [1, 2, 3, 4]) log.append({ words: words(String(entry)), entry });
  const first = log.read(0, 2);
  assert.deepEqual([textOf(first.words), first.to], ['12', 2]);
  assert.equal(textOf(log.read(first.to, 100).words), '34');
  assert.equal(textOf(log.read(0, 100, (entry) => entry < 3).words), '34');
  log.trim(2, 1);
  assert.deepEqual([log.first, log.end], [3, 4]);
  assert.equal(textOf(log.read(3, 100).words), '4');
});

it('whoever comes back having read more than the others have is not told of it again', async () => {
  const begin = Promise.withResolvers<void>();
  const sources: Sources = {
    changes: () => () => undefined,
    ready: async () => undefined,
    include: () => undefined,
    now: async () => '3',
    async *history() {
      await begin.promise;
      for (const id of [4, 5, 6]) yield noted(id);
    },
    async *missed() {
      begin.resolve();
      yield* [];
    },
  };
  const streams = new EventStreams({ clock: systemClock, sources, most: 1, buffered: 1000 });
  const visitor = { user: 'root', can: new Set<never>(), owner: undefined };
  const { body } = streams.stream(visitor, { task: undefined, since: '5' });
  let told = '';
  for await (const chunk of body ?? []) {
    told += textOf(chunk);
    if (told.includes('id: 6')) break;
  }
  assert.deepEqual(
    [...told.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id),
    ['6'],
  );
  await streams.close();
});
