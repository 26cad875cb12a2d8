import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { SessionAnswer } from '../answers.ts';
import { ApiError } from '../api.ts';
import { signIn } from '../session.ts';

export function SignIn({ login }: Pick<SessionAnswer, 'login'>): JSX.Element {
  const token = useSignal('');
  const problem = useSignal<string | undefined>(undefined);
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    try {
      await signIn(token.value.trim());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = error.message;
    } finally {
      token.value = '';
    }
  }
  return (
    <main class="sign-in">
      <h1>Banyan</h1>
      {login.oidc ? (
        <a class="button" href={`/api/session/login?next=${encodeURIComponent(here())}`} data-plain>
          Sign in with your organisation
        </a>
      ) : null}
      <form class="panel" onSubmit={(event) => void submit(event)}>
        <label>
          Operator token
          <input
            type="password"
            autocomplete="current-password"
            autofocus
            value={token.value}
            onInput={(event) => (token.value = event.currentTarget.value)}
          />
        </label>
        {problem.value ? (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        ) : null}
        <button type="submit" class="primary" disabled={token.value.trim() === ''}>
          Sign in
        </button>
      </form>
    </main>
  );
}

/** Where the operator wanted to go. */
function here(): string {
  return window.location.pathname + window.location.search;
}
