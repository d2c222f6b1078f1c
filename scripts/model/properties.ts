/** What the formal models must keep, in words: the properties that `model/properties.pml` gives names to. */

export const PROPERTIES = {
  STALE: 'A write is accepted from the newest claim only, and only while it holds the task.',
  ACKED: 'A context that was acknowledged is never lost and never goes back.',
  MARKS: 'A delete mark is never lost, and a paused task is not started until somebody asks for it.',
  CLEANUP: 'A task asked to go is removed only after its cleanup reported success, which it does once.',
  EPOCHS: 'No two claims ever have the same fence.',
  TERMINAL: 'What has finished stays finished until a user asks for something.',
  ALONE: 'When a handler begins, no other one of the task is at work that has not been told to stop.',
  LIMIT: 'No more tasks of a group are held at once than it has slots.',
  ENDS: 'Whatever happens, it comes to an end; then the task has ended or waits for its user, and if it was to be deleted it is gone.',
  runs_end: 'Under weak fairness: a task asked to run ends.',
  deletes_end: 'Under weak fairness: a task asked to go is removed.',
} as const;

export type Property = keyof typeof PROPERTIES;

export function isLiveness(property: Property): boolean {
  return property === 'runs_end' || property === 'deletes_end';
}
