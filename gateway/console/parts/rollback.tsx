// The way back: one key to open it, one to do it, for one route or for all. It is never made harder than that.
import type { JSX } from 'preact';
import type { RouteSummary } from '../answers.ts';
import { write } from '../api.ts';
import { plural } from '../verdict.ts';
import { ChangeForm } from './change-form.tsx';
import { openDialog } from './dialog.tsx';

interface RollbackAnswer {
  readonly durable: boolean;
  readonly done: boolean;
  readonly streamsOnOldSide: number;
}

type Rollable = Pick<RouteSummary, 'id' | 'writesLegacyLacks'>;

export function askRollback({ id, writesLegacyLacks }: Rollable): void {
  openDialog(() => (
    <ChangeForm
      title={`Roll back ${id}`}
      verb="Roll back"
      danger
      atOnce
      about={`roll back ${id}`}
      act={async (reason) => told(id, await post(`/api/routes/${encodeURIComponent(id)}/rollback`, reason))}
    >
      <p>
        Legacy serves every request of this route at once, whatever the flags say. In-flight requests end where they
        began.
      </p>
      <Lacking count={writesLegacyLacks.count} />
    </ChangeForm>
  ));
}

export function askRollbackAll(all: readonly Rollable[]): void {
  const routes = all.length;
  const lacking = all.reduce((total, { writesLegacyLacks }) => total + writesLegacyLacks.count, 0);
  openDialog(() => (
    <ChangeForm
      title="Roll back every route"
      verb={`Roll back all ${routes} routes`}
      danger
      atOnce
      about="roll back every route"
      act={async (reason) => told('every route', await post('/api/rollback', reason))}
    >
      <p>Legacy serves every request of all {routes} routes at once, whatever the flags say.</p>
      <Lacking count={lacking} />
    </ChangeForm>
  ));
}

/** What a rollback leaves behind. It is said, and stops nobody: the way back must stay open. */
function Lacking({ count }: { readonly count: number }): JSX.Element | null {
  if (count === 0) return null;
  return (
    <p class="problem">
      {plural(count, 'write')} that new has accepted {count === 1 ? 'is' : 'are'} not on legacy, and will not be found
      there.
    </p>
  );
}

/** Ends an override. `path` is the API's path of the override; `returnsTo` says what the flags will decide. */
export function askLift(what: string, path: string, etag: string, returnsTo: string): void {
  openDialog(() => (
    <ChangeForm
      title={`Lift the override of ${what}`}
      verb="Lift the override"
      about={`lift the override of ${what}`}
      act={async (reason) => {
        await write(path, { method: 'DELETE', body: { reason }, ifMatch: etag });
        return `The flags decide on ${what} again`;
      }}
    >
      <p>{returnsTo}</p>
    </ChangeForm>
  ));
}

async function post(path: string, reason: string): Promise<RollbackAnswer> {
  return (await write<RollbackAnswer>(path, { method: 'POST', body: { reason } })).body;
}

function told(what: string, { durable, done, streamsOnOldSide }: RollbackAnswer): string {
  const streams = done ? '' : `; ${streamsOnOldSide} open streams are still on new`;
  const stored = durable ? '' : '; it could NOT be stored and is lost if the gateway restarts';
  return `${what}: back on legacy${streams}${stored}`;
}
