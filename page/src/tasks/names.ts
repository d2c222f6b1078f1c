/** The users, groups and types there are, as proposals for what is typed. */
import { signal } from '@preact/signals';
import type { Queues } from '../../../src/dashboard/api.ts';
import { api } from '../api/client.ts';

interface Names {
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly types: readonly string[];
}

export const knownNames = signal<Names>({ users: [], groups: [], types: [] });

export function learnNames({ users, groups, types }: Queues): void {
  const names = (scopes: readonly { readonly name: string }[]): string[] =>
    scopes.map(({ name }) => name).filter((name) => name !== '');
  knownNames.value = { users: names(users), groups: names(groups), types: names(types) };
}

/** Proposals are a comfort: without them everything still can be typed. */
export function askForNames(): void {
  api.queues().then(learnNames, () => undefined);
}
