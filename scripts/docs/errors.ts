/** `docs/errors.md`: every error with what to do about it, from `src/core/errors.ts`. */
import { type ErrorCode, ERRORS } from '../../src/core/errors.ts';
import { table } from './markdown.ts';

export function errorsPage(): string {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const rows = codes.map((code) => [`\`${code}\``, prose(ERRORS[code].message), prose(ERRORS[code].remedy)]);
  return `# Errors

Every error of this library is a \`TaskbatonError\`. Tell them apart by \`code\`, which stays the same over releases; the
message may change. \`details\` holds what fills the \`{…}\` below, \`remedy\` says what to do, and \`cause\` is the error
behind it, if there is one. The table is made from [\`src/core/errors.ts\`](../src/core/errors.ts) by \`npm run docs\`.

\`\`\`ts
import { isTaskbatonError, Taskbaton } from 'taskbaton';

const baton = new Taskbaton({ db: 'sqlite:tasks.db' });
try {
  await baton.pauseTask(7);
} catch (error) {
  if (!isTaskbatonError(error, 'TASK_NOT_FOUND', 'STATE_CONFLICT')) throw error;
  console.warn(error.code, error.details, error.remedy);
}
\`\`\`

An error that a handler met is kept on its task as \`{ name, message, stack, code }\`; see \`task.error\`.
\`TaskStopped\` (the reason of a stop signal) and \`TaskFailed\` (which a handler throws) belong to
[handlers](guide/handlers.md) and have no code.

${table(['Code', 'Message', 'What to do'], rows)}
`;
}

/** Placeholders as code, for \`{…}\` alone looks like a mistake. */
function prose(text: string): string {
  return text.replaceAll(/\{\w+\}/g, (hole) => `\`${hole}\``);
}
