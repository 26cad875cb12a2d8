// The writes that new has accepted and legacy has not got: what a rollback would leave behind.
import type { JSX } from 'preact';
import type { RouteDetail } from '../answers.ts';
import { write } from '../api.ts';
import { mayOperate } from '../session.ts';
import { plural } from '../verdict.ts';
import { ChangeForm } from './change-form.tsx';
import { openDialog } from './dialog.tsx';
import { Time } from './time.tsx';

export function LackedWrites({ route }: { readonly route: RouteDetail }): JSX.Element | null {
  const { count, since, keys } = route.writesLegacyLacks;
  if (count === 0) return null;
  return (
    <section class="panel">
      <h2>Writes that legacy lacks</h2>
      <p>
        {plural(count, 'write')} that new has accepted, since <Time at={since} />. A rollback leaves them behind.
      </p>
      <details>
        <summary>The first and the latest</summary>
        <ul class="found">
          {keys.map(({ n, at, key }) => (
            <li key={n}>
              <code>{key}</code> <span class="faint">no. {n},</span> <Time at={at} />
            </li>
          ))}
        </ul>
      </details>
      {mayOperate.value ? (
        <div class="buttons">
          <button type="button" onClick={() => askAcknowledge(route)}>
            Legacy has got them…
          </button>
        </div>
      ) : null}
    </section>
  );
}

function askAcknowledge({ id, writesLegacyLacks }: RouteDetail): void {
  const { count, upTo } = writesLegacyLacks;
  openDialog(() => (
    <ChangeForm
      title={`Legacy has got the writes of ${id}`}
      verb="Count them as there"
      about={`legacy has got the writes of ${id} up to no. ${upTo}`}
      act={async (reason) => {
        const path = `/api/routes/${encodeURIComponent(id)}/writes/acknowledge`;
        await write(path, { method: 'POST', body: { upTo, reason } });
        return `${id}: legacy has got them`;
      }}
    >
      <p>
        {plural(count, 'write')}, up to no. {upTo}, will not be counted any more. Whatever came after goes on being
        counted.
      </p>
    </ChangeForm>
  ));
}
