// Moving a route by hand: choose where to, read what that means, say why.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RouteDetail } from '../answers.ts';
import { write } from '../api.ts';
import { consequencesOf, dangerOf, STAGES, type Stage, type Target } from '../consequences.ts';
import { ChangeForm } from './change-form.tsx';
import { openDialog } from './dialog.tsx';

interface StageControlProps {
  readonly route: RouteDetail;
  readonly etag: string;
}

export function StageControl({ route, etag }: StageControlProps): JSX.Element {
  const flags = route.override?.returnsTo ?? route;
  const target = useSignal<Target>({ stage: flags.stage, percent: flags.percent || 5 });
  const { stage, percent } = target.value;
  const same = stage === flags.stage && (stage !== 'canary' || percent === flags.percent);
  return (
    <form
      class="stage-control"
      onSubmit={(event) => {
        event.preventDefault();
        askMove(route, etag, target.value);
      }}
    >
      <fieldset>
        <legend>Move to</legend>
        {STAGES.map((each) => (
          <label key={each} class="choice">
            <input
              type="radio"
              name="stage"
              checked={stage === each}
              onChange={() => (target.value = { ...target.value, stage: each })}
            />
            {each}
          </label>
        ))}
        {stage === 'canary' ? (
          <label class="choice">
            with
            <input
              type="number"
              min={1}
              max={99}
              step={1}
              value={percent}
              aria-label="Percent of users"
              onInput={(event) => (target.value = { stage, percent: Number(event.currentTarget.value) })}
            />
            % of users
          </label>
        ) : null}
      </fieldset>
      <button type="submit" class="primary" disabled={same}>
        {same ? 'Already there' : `Move to ${placeText(target.value)}…`}
      </button>
    </form>
  );
}

function placeText({ stage, percent }: Target): string {
  return stage === 'canary' ? `canary ${percent} %` : stage;
}

function askMove(route: RouteDetail, etag: string, to: Target): void {
  const place = placeText(to);
  const body: { stage: Stage; percent?: number } =
    to.stage === 'canary' ? { stage: to.stage, percent: to.percent } : { stage: to.stage };
  openDialog(() => (
    <ChangeForm
      title={`Move ${route.id} to ${place}`}
      verb={`Move to ${place}`}
      about={`move ${route.id} from ${route.stage} to ${place}`}
      typed={dangerOf(route, to) === 'typed' ? route.id : undefined}
      act={async (reason) => {
        const path = `/api/routes/${encodeURIComponent(route.id)}/stage`;
        await write(path, { method: 'PUT', body: { ...body, reason }, ifMatch: etag });
        return `${route.id} is in ${place}`;
      }}
    >
      <ul class="consequences">
        {route.override ? (
          <li class="warn">An override is in force: the flags move, and requests stay where they are.</li>
        ) : null}
        {consequencesOf(route, to).map(({ text, tone }) => (
          <li key={text} class={tone}>
            {tone === 'warn' ? '⚠ ' : ''}
            {text}
          </li>
        ))}
      </ul>
    </ChangeForm>
  ));
}
