/** What a view says when it has nothing to show: it is loading, there is nothing, or something went wrong. */
import type { ComponentChildren } from 'preact';
import { type ApiError, UNREACHABLE } from '../api/client.ts';
import type { Resource } from '../live/resource.ts';
import { Heading } from '../shell/heading.tsx';
import { reasonOf } from '../text/refusal.ts';
import { text } from '../text/text.ts';
import { Icon, type IconName } from './icon.tsx';

export function Empty({
  icon,
  title,
  children,
}: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} />
      </span>
      <p class="empty-title">{title}</p>
      {children === undefined ? null : <div class="empty-text">{children}</div>}
    </div>
  );
}

/** Grey lines where words will be. */
function Loading({ lines = 6 }: { lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="visually-hidden">{text().feedback.loading}</span>
      {Array.from({ length: lines }, (_, line) => (
        <div class={`bone bone-${line % 3}`} key={line} />
      ))}
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  const words = text().feedback;
  const { message, detail } = reasonOf(error, text());
  return (
    <div class="empty failure" role="alert">
      <span class="empty-icon">
        <Icon name="warning" />
      </span>
      <p class="empty-title">{failureTitle(error)}</p>
      <div class="empty-text">
        {error.status === UNREACHABLE ? null : (
          <p>
            {message} <code>{error.code}</code>
          </p>
        )}
        {detail === undefined ? null : <p>{detail}</p>}
        {retry === undefined ? null : (
          <button type="button" class="button" onClick={retry}>
            {words.again}
          </button>
        )}
      </div>
    </div>
  );
}

function failureTitle(error: ApiError): string {
  const words = text().feedback;
  const known: Readonly<Record<number, string>> = {
    [UNREACHABLE]: words.unreachable,
    401: words.unauthorized,
    403: words.forbidden,
    404: words.notFound,
  };
  return known[error.status] ?? words.failed;
}

/** Old data with a note is better than none; without any, the reason fills the place. */
export function Loaded<T>({
  resource,
  lines,
  heading,
  children,
}: {
  resource: Resource<T>;
  lines?: number;
  /** What stands above whatever is there instead of the data. */
  heading?: string;
  children: (data: T) => ComponentChildren;
}) {
  const data = resource.data.value;
  const error = resource.error.value;
  if (data !== undefined && error?.status !== 404) return <>{children(data)}</>;
  return (
    <>
      {heading === undefined ? null : <Heading title={heading} />}
      {error === undefined ? (
        <Loading {...(lines === undefined ? {} : { lines })} />
      ) : (
        <Failure error={error} retry={resource.refresh} />
      )}
    </>
  );
}
