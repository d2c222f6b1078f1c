/** Whether what one sees is fresh: a word in the navigation, and a notice across the page when the server is lost. */
import { lastAnswer } from '../api/client.ts';
import { connection } from '../live/events.ts';
import { Icon } from '../parts/icon.tsx';
import { clockTime } from '../text/format.ts';
import { text } from '../text/text.ts';

export function ConnectionState() {
  const state = connection.value;
  return (
    <p class={`connection connection-${state}`} role="status">
      <span class="connection-dot" />
      <span class="connection-word">{text().connection[state]}</span>
    </p>
  );
}

export function LostNotice() {
  if (connection.value !== 'lost') return null;
  return (
    <div class="notice" role="alert">
      <Icon name="warning" />
      <p>{text().connection.lostNotice(clockTime(lastAnswer.value))}</p>
    </div>
  );
}
