/** What people call the replicas: tasks and their history know them by ids, which nobody wants to read. */
import { signal } from '@preact/signals';
import type { ReplicaView } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';
import { learnTime } from './clock.ts';

/** Enough of an id to tell a few replicas apart. */
const SHORT = 8;

/** Also of those that are no more, since the page was opened. */
const names = signal<ReadonlyMap<string, string>>(new Map());

export function learnReplicas(replicas: readonly ReplicaView[]): void {
  const [first] = replicas;
  // What is left of a lease is told by the database's clock, which needn't be this device's.
  if (first !== undefined) learnTime(Date.parse(first.leaseUntil) - first.leaseLeft);
  const known = names.peek();
  if (replicas.every(({ id, name }) => known.get(id) === name)) return;
  names.value = new Map([...known, ...replicas.map(({ id, name }): [string, string] => [id, name])]);
}

export function askForReplicas(): void {
  api.replicas().then(
    ({ replicas }) => learnReplicas(replicas),
    () => undefined,
  );
}

/** Its name, with the end of its id if others are called the same. */
export function replicaName(id: string): string {
  const name = names.value.get(id);
  if (name === undefined) return id.slice(-SHORT);
  const namesakes = [...names.value.values()].filter((other) => other === name).length;
  return namesakes > 1 ? `${name} · ${id.slice(-SHORT / 2)}` : name;
}
