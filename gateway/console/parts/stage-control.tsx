// Moving a route by hand: choose where to, read what that means, say why.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RouteDetail } from '../answers.ts';
import { write } from '../api.ts';
import { consequencesOf, dangerOf, isCopying, STAGES, type Target } from '../consequences.ts';
import { ChangeForm } from './change-form.tsx';
import { openDialog } from './dialog.tsx';

/** What a canary begins with unless the operator says otherwise. */
const FIRST_PERCENT = 5;

interface StageControlProps {
  readonly route: RouteDetail;
  readonly etag: string;
}

export function StageControl({ route, etag }: StageControlProps): JSX.Element {
  const flags = route.override?.returnsTo ?? route;
  const target = useSignal<Target>({
    stage: flags.stage,
    percent: flags.percent || FIRST_PERCENT,
    mirrorPercent: flags.mirrorPercent || 100,
  });
  const { stage, percent, mirrorPercent } = target.value;
  const set = (parts: Partial<Target>) => {
    target.value = { ...target.value, ...parts };
  };
  const same =
    stage === flags.stage &&
    (stage !== 'canary' || percent === flags.percent) &&
    (!isCopying(stage) || mirrorPercent === flags.mirrorPercent);
  return (
    <form
      class="stage-control"
      onSubmit={(event) => {
        event.preventDefault();
        if (!same) askMove(route, etag, target.value);
      }}
    >
      <fieldset>
        <legend>Move to</legend>
        {STAGES.map((each) => (
          <label key={each} class="choice">
            <input type="radio" name="stage" checked={stage === each} onChange={() => set({ stage: each })} />
            {each}
          </label>
        ))}
      </fieldset>
      {stage === 'canary' ? (
        <Percent text="of users to new" least={0.01} most={99} value={percent} set={(to) => set({ percent: to })} />
      ) : null}
      {isCopying(stage) ? (
        <Percent
          text="of users copied"
          least={1}
          most={100}
          value={mirrorPercent}
          set={(to) => set({ mirrorPercent: to })}
        />
      ) : null}
      <button type="submit" class="primary" disabled={same}>
        {same ? 'Already there' : `Move to ${placeText(target.value)}…`}
      </button>
    </form>
  );
}

interface PercentProps {
  readonly text: string;
  readonly least: number;
  readonly most: number;
  readonly value: number;
  readonly set: (value: number) => void;
}

function Percent({ text, least, most, value, set }: PercentProps): JSX.Element {
  return (
    <label class="choice">
      <input
        type="number"
        min={least}
        max={most}
        step="any"
        required
        value={value}
        onInput={(event) => set(Number(event.currentTarget.value))}
      />
      % {text}
    </label>
  );
}

function placeText({ stage, percent }: Pick<Target, 'stage' | 'percent'>): string {
  return stage === 'canary' ? `canary ${percent} %` : stage;
}

function askMove(route: RouteDetail, etag: string, to: Target): void {
  const place = placeText(to);
  const { stage, percent, mirrorPercent } = to;
  const body = {
    stage,
    ...(stage === 'canary' ? { percent } : {}),
    ...(isCopying(stage) ? { mirrorPercent } : {}),
  };
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
