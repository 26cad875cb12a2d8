// The form of every change: what it will do, the reason that the audit log keeps, and what came of it.
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { ApiError } from '../api.ts';
import { refresh } from '../live.ts';
import { caller } from '../session.ts';
import { say } from '../toast.ts';
import { closeDialog, Dialog } from './dialog.tsx';

interface ChangeFormProps {
  readonly title: string;
  /** What the button says: the very thing that it does. */
  readonly verb: string;
  readonly danger?: boolean;
  /** What the reason says unless the operator says more. */
  readonly about: string;
  /** A name that has to be typed before the button works. */
  readonly typed?: string | undefined;
  /** The button has the focus: one key press is enough. */
  readonly atOnce?: boolean;
  /** Carries it out, and answers what to tell the operator. */
  readonly act: (reason: string) => Promise<string>;
  readonly children?: ComponentChildren;
}

export function ChangeForm(props: ChangeFormProps): JSX.Element {
  const { title, verb, danger = false, about, typed, atOnce = false, act, children } = props;
  const reason = useSignal(`${caller.value?.name ?? 'operator'}: ${about}`);
  const name = useSignal('');
  const busy = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const isReady = reason.value.trim() !== '' && (typed === undefined || name.value === typed);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (!isReady || busy.value) return;
    busy.value = true;
    problem.value = undefined;
    try {
      say(await act(reason.value.trim()));
      refresh();
      closeDialog();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = refusalText(error);
      refresh();
    } finally {
      busy.value = false;
    }
  }

  return (
    <Dialog title={title} alert>
      <form onSubmit={(event) => void submit(event)}>
        {children}
        <label>
          Reason, for the audit log
          <input
            value={reason.value}
            maxLength={1_000}
            onInput={(event) => (reason.value = event.currentTarget.value)}
          />
        </label>
        {typed === undefined ? null : (
          <label>
            <span>
              Type <code>{typed}</code> to go on
            </span>
            <input
              value={name.value}
              autocomplete="off"
              onInput={(event) => (name.value = event.currentTarget.value)}
            />
          </label>
        )}
        {problem.value ? (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        ) : null}
        <div class="buttons">
          <button type="button" onClick={closeDialog} data-focus={atOnce ? undefined : true}>
            Cancel
          </button>
          <button
            type="submit"
            class={danger ? 'danger' : 'primary'}
            disabled={!isReady || busy.value}
            data-focus={atOnce ? true : undefined}
          >
            {busy.value ? 'Working…' : verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function refusalText(error: ApiError): string {
  if (error.status === 412) return `${error.message}. What you see now is how it stands; close this and look again.`;
  if (error.status === 0) return `${error.message}. Nobody knows whether this was done: look before you try again.`;
  return error.message;
}
