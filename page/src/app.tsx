/** The frame around every view: where one can go, whether the news are fresh, and what belongs to the whole page. */
import { useEffect, useRef } from 'preact/hooks';
import { UNREACHABLE } from './api/client.ts';
import { Empty, Failure } from './parts/feedback.tsx';
import { QuestionDialog } from './parts/dialog.tsx';
import { Toasts } from './parts/toast.tsx';
import { place } from './route.ts';
import { session, sessionError } from './session.ts';
import { LostNotice } from './shell/connection.tsx';
import { Heading } from './shell/heading.tsx';
import { KeyboardHelp, useShortcuts } from './shell/keyboard.tsx';
import { Navigation } from './shell/navigation.tsx';
import { text } from './text/text.ts';
import { OverviewView } from './views/overview.tsx';
import { QueuesView } from './views/queues.tsx';
import { ReplicasView } from './views/replicas.tsx';
import { SchedulesView } from './views/schedules.tsx';
import { TasksView } from './views/tasks.tsx';
import { TaskView } from './views/task.tsx';

export function App() {
  useShortcuts();
  const main = useRef<HTMLElement>(null);
  const { path } = place.value;
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) main.current?.focus();
    first.current = false;
    scrollTo(0, 0);
  }, [path]);
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {text().shell.skip}
      </button>
      <Navigation />
      <main class="main" tabIndex={-1} ref={main}>
        <LostNotice />
        <View path={path} />
      </main>
      <Toasts />
      <QuestionDialog />
      <KeyboardHelp />
    </div>
  );
}

function View({ path }: { path: string }) {
  const refused = sessionError.value;
  if (session.value === undefined && refused !== undefined && refused.status !== UNREACHABLE) {
    return <Failure error={refused} />;
  }
  const [name = '', id] = path.split('/');
  if (name === 'tasks' && id !== undefined && /^\d+$/.test(id)) return <TaskView id={Number(id)} key={id} />;
  switch (path) {
    case '':
      return <OverviewView />;
    case 'tasks':
      return <TasksView />;
    case 'queues':
      return <QueuesView />;
    case 'replicas':
      return <ReplicasView />;
    case 'schedules':
      return <SchedulesView />;
    default:
      return (
        <>
          <Heading title={text().shell.nowhere} />
          <Empty icon="search" title={path.slice(0, 100)}>
            <a href="./">{text().nav.overview}</a>
          </Empty>
        </>
      );
  }
}
