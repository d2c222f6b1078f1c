/** What is wrong, the worst first, each in a sentence with the tasks that it is about. */
import type { Problem } from '../../../src/dashboard/api.ts';
import { replicaName } from '../live/replica-names.ts';
import { count } from '../text/format.ts';
import { text } from '../text/text.ts';
import { Icon } from './icon.tsx';

const SHOWN_TASKS = 4;

export function Problems({ problems }: { problems: readonly Problem[] }) {
  const words = text().problems;
  if (problems.length === 0) {
    return (
      <p class="calm">
        <Icon name="check" />
        {words.none}
      </p>
    );
  }
  return (
    <section aria-label={words.title}>
      <ul class="problems">
        {problems.map((problem) => (
          <ProblemItem problem={problem} key={`${problem.kind} ${problem.subject}`} />
        ))}
      </ul>
    </section>
  );
}

function ProblemItem({ problem }: { problem: Problem }) {
  const words = text().problems;
  const { kind, severity, tasks } = problem;
  return (
    <li class={`problem problem-${severity}`}>
      <Icon name="warning" />
      <div class="problem-words">
        <p>
          <span class="visually-hidden">{words[severity]}: </span>
          {words.kinds[kind](subjectWords(problem), count(problem.count))}
        </p>
        <p class="faint">{words.remedies[kind]}</p>
      </div>
      <span class="chips">
        {tasks.slice(0, SHOWN_TASKS).map((id) => (
          <a class="chip" href={`tasks/${id}`} key={id}>
            {id}
          </a>
        ))}
      </span>
    </li>
  );
}

/** What it is about, as people call it. */
function subjectWords({ kind, subject }: Problem): string {
  if (kind === 'blocked-loop' || kind === 'lease-ending') return replicaName(subject);
  if (kind !== 'paused-scope-with-waiting') return subject;
  const { user, group, type } = text().problems.scopes;
  return subject
    .replace(/^user:/, `${user} `)
    .replace(/^group:/, `${group} `)
    .replace(/^type:/, `${type} `);
}
