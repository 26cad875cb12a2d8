import type { ComponentChildren, JSX } from 'preact';
import type { Live } from '../live.ts';

interface LoadingProps<Body> {
  readonly live: Live<Body>;
  readonly children: (body: Body) => ComponentChildren;
}

/** What an answer is shown as, once there is one; until then what is being waited for, or why it does not come. */
export function Loading<Body>({ live, children }: LoadingProps<Body>): JSX.Element {
  if (live.body !== undefined) return <>{children(live.body)}</>;
  if (live.error) {
    return (
      <p class="problem" role="alert">
        {live.error.message}
      </p>
    );
  }
  return <p class="faint">Loading…</p>;
}
