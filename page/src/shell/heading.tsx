/** The heading of a view, which is the window's title too. */
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

export function Heading({ title, children }: { title: string; children?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · taskbaton`;
  }, [title]);
  return (
    <header class="heading">
      <h1>{title}</h1>
      {children === undefined ? null : <div class="heading-side">{children}</div>}
    </header>
  );
}
