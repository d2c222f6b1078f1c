/** What is known of a task besides its state, and how the same is done on the command line. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { TaskView } from '../../../src/dashboard/api.ts';
import { now } from '../live/clock.ts';
import { replicaName } from '../live/replica-names.ts';
import { Icon } from '../parts/icon.tsx';
import { workedTime } from '../parts/progress.tsx';
import { Ago, At } from '../parts/time.tsx';
import { session } from '../session.ts';
import { count, duration } from '../text/format.ts';
import { text } from '../text/text.ts';

export function Facts({ task }: { task: TaskView }) {
  const words = text().facts;
  const link = (address: string, label: string): ComponentChildren => <a href={address}>{label}</a>;
  const filtered = (name: string, value: string): ComponentChildren =>
    value === '' ? undefined : link(`tasks?${new URLSearchParams({ [name]: value }).toString()}`, value);
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    [words.type, filtered('type', task.type)],
    [words.version, task.version > 1 ? count(task.version) : undefined],
    [words.user, filtered('user', task.user)],
    [words.group, filtered('group', task.group)],
    [words.key, task.key === null ? undefined : <code>{task.key}</code>],
    [words.parent, task.parent === null ? undefined : link(`tasks/${task.parent}`, `#${task.parent}`)],
    [words.priority, task.priority === 0 ? undefined : count(task.priority)],
    [
      words.replica,
      task.replica === null ? undefined : <span title={task.replica}>{replicaName(task.replica)}</span>,
    ],
    [words.worked, duration(workedTime(task, now.value))],
    [words.attempt, count(task.attempt)],
    [words.retries, task.retries === 0 ? undefined : count(task.retries)],
    [words.crashes, task.crashes === 0 ? undefined : count(task.crashes)],
    [words.epoch, count(task.epoch)],
    [words.created, <At at={task.createdAt} key="created" />],
    [words.due, task.dueAt === null ? undefined : <Ago at={task.dueAt} />],
    [words.started, task.startedAt === null ? undefined : <At at={task.startedAt} />],
    [words.done, task.doneAt === null ? undefined : <At at={task.doneAt} />],
  ];
  return (
    <section class="card" aria-labelledby="facts">
      <header class="card-head">
        <h2 id="facts">{words.title}</h2>
      </header>
      <dl class="facts">
        {facts.map(([name, value]) =>
          value === undefined ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </section>
  );
}

export function CommandLine({ task }: { task: TaskView }) {
  const words = text().commands;
  const verbs = ['show', 'watch', ...task.actions];
  return (
    <section class="card" aria-labelledby="commands">
      <header class="card-head">
        <h2 id="commands">{words.title}</h2>
      </header>
      <ul class="commands">
        {verbs.map((verb) => (
          <Command line={commandLine(verb, task.id)} key={verb} />
        ))}
      </ul>
    </section>
  );
}

const DEFAULT_PREFIX = 'taskbaton_';

function commandLine(verb: string, id: number): string {
  const prefix = session.value?.system.prefix ?? DEFAULT_PREFIX;
  const target = verb === 'move' ? ' --group …' : '';
  return `npx taskbaton ${verb} ${id}${target} --db …${prefix === DEFAULT_PREFIX ? '' : ` --prefix ${prefix}`}`;
}

function Command({ line }: { line: string }) {
  const words = text().commands;
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    navigator.clipboard?.writeText(line).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1_500);
      },
      () => undefined,
    );
  };
  return (
    <li>
      <code>{line.split(/ (?=--)/).map((part) => [<span key={part}>{part}</span>, ' '])}</code>
      <button
        type="button"
        class="button quiet square"
        aria-label={`${copied ? words.copied : words.copy}: ${line}`}
        onClick={copy}
      >
        <Icon name={copied ? 'check' : 'copy'} />
      </button>
    </li>
  );
}
