/** What is wrong, the worst first, each in a sentence with the tasks that it is about. */
import type { Problem } from '../../../src/dashboard/api.ts';
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
  const { kind, severity, subject, tasks } = problem;
  return (
    <li class={`problem problem-${severity}`}>
      <Icon name="warning" />
      <div class="problem-words">
        <p>
          <span class="visually-hidden">{words[severity]}: </span>
          {words.kinds[kind](subject.replace(/^(user|group|type):/, '$1 '), count(problem.count))}
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
