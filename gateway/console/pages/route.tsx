// One route: where its requests go, how both sides do, what may be done with it.
import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import type { RouteDetail } from '../answers.ts';
import { formatCount, formatShare } from '../format.ts';
import { type Shortcut, useShortcuts } from '../keys.ts';
import { useLive } from '../live.ts';
import { differencesPath, navigate } from '../location.ts';
import { HealthBadge, StageBadge } from '../parts/badges.tsx';
import { LackedWrites } from '../parts/lacked-writes.tsx';
import { Loading } from '../parts/loading.tsx';
import { PathDrawing } from '../parts/path-drawing.tsx';
import { PlanPanel } from '../parts/plan-panel.tsx';
import { askLift, askRollback } from '../parts/rollback.tsx';
import { RouteCharts } from '../parts/route-charts.tsx';
import { StageControl } from '../parts/stage-control.tsx';
import { Time } from '../parts/time.tsx';
import { mayOperate } from '../session.ts';
import { healthOf, parityText } from '../verdict.ts';

export function RoutePage({ id }: { readonly id: string }): JSX.Element {
  const live = useLive<RouteDetail>(`/api/routes/${encodeURIComponent(id)}`);
  const { etag = '*' } = live.value;
  return <Loading live={live.value}>{(route) => <Route route={route} etag={etag} />}</Loading>;
}

interface RouteProps {
  readonly route: RouteDetail;
  readonly etag: string;
}

function Route({ route, etag }: RouteProps): JSX.Element {
  const { id } = route;
  const latest = useRef(route);
  latest.current = route;
  const keys = useMemo<Shortcut[]>(() => {
    const roll = () => mayOperate.value && !latest.current.override && askRollback(latest.current);
    return [
      { keys: 'R', does: 'Roll this route back', run: roll },
      { keys: 'r', does: 'Roll this route back', run: roll },
      { keys: 'd', does: 'Its differences', run: () => navigate(differencesPath(id)) },
      { keys: 'Escape', does: 'Back to the routes', run: () => navigate('/') },
    ];
  }, [id]);
  useShortcuts(keys);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{id}</h1>
          <p class="target">
            {route.match.methods.join(' ')} {route.match.path}
            {route.group ? ` · group ${route.group}` : ''}
          </p>
        </div>
        <StageBadge route={route} />
        <HealthBadge health={healthOf(route)} />
        <Actions route={route} etag={etag} />
      </header>
      <Attention route={route} />
      <PathDrawing route={route} />
      <RouteCharts id={id} />
      <div class="columns">
        {mayOperate.value ? (
          <section class="panel">
            <h2>Stage</h2>
            <StageControl route={route} etag={etag} />
          </section>
        ) : null}
        {route.plan ? <PlanPanel route={route} plan={route.plan} etag={etag} /> : null}
        <Comparing route={route} />
        <Streams route={route} />
        <LackedWrites route={route} />
      </div>
    </>
  );
}

function Actions({ route, etag }: RouteProps): JSX.Element {
  const { id, override } = route;
  if (!mayOperate.value) return <span class="faint">read only</span>;
  if (!override) {
    return (
      <button type="button" class="danger" onClick={() => askRollback(route)}>
        Roll back
      </button>
    );
  }
  const { stage, percent } = override.returnsTo;
  const where = stage === 'canary' ? `canary ${percent} %` : stage;
  const path = `/api/routes/${encodeURIComponent(id)}/rollback`;
  // An override of all routes is lifted where it was made.
  return override.scope === id ? (
    <button type="button" onClick={() => askLift(id, path, etag, `The flags put it in ${where}.`)}>
      Lift the override
    </button>
  ) : (
    <a href="/">every route is forced</a>
  );
}

function Attention({ route }: { readonly route: RouteDetail }): JSX.Element | null {
  if (route.attention.length === 0) return null;
  return (
    <ul class="attention-list">
      {route.attention.map(({ sentence, severity }) => (
        <li key={sentence} class={severity}>
          {sentence}
        </li>
      ))}
    </ul>
  );
}

function Comparing({ route }: { readonly route: RouteDetail }): JSX.Element {
  const { evidence, comparison } = route;
  const counted = Object.entries(comparison.outcomes).filter(([, count]) => count > 0);
  return (
    <section class="panel">
      <h2>
        Comparing <a href={differencesPath(route.id)}>differences</a>
      </h2>
      <p>{parityText(comparison)}</p>
      <table class="windows">
        <thead>
          <tr>
            <th scope="col">Window</th>
            <th scope="col">Eligible</th>
            <th scope="col">Compared</th>
            <th scope="col">Parity</th>
            <th scope="col">at least</th>
          </tr>
        </thead>
        <tbody>
          {evidence.windows.map((each) => (
            <tr key={each.window}>
              <th scope="row">{WINDOW_NAMES[each.window]}</th>
              <td>{formatCount(each.eligible)}</td>
              <td>{formatShare(each.coverage, 1)}</td>
              <td>{formatShare(each.parity)}</td>
              <td>{formatShare(each.parityLowerBound)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <dl class="facts">
        {counted.map(([outcome, count]) => (
          <div key={outcome}>
            <dt>{outcome.replaceAll('_', ' ')}</dt>
            <dd>{formatCount(count)}</dd>
          </div>
        ))}
        {Object.entries(evidence.dropped).map(([why, count]) => (
          <div key={why}>
            <dt>dropped: {why.replaceAll('_', ' ')}</dt>
            <dd>{formatCount(count)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const WINDOW_NAMES = { '1m': 'last minute', '10m': 'last 10 minutes', stage: 'this stage' } as const;

function Streams({ route }: { readonly route: RouteDetail }): JSX.Element {
  const { legacy, new: fresh, oldSide, oldest } = route.streams;
  return (
    <section class="panel">
      <h2>Open streams</h2>
      <dl class="facts">
        <div>
          <dt>on legacy</dt>
          <dd>{formatCount(legacy)}</dd>
        </div>
        <div>
          <dt>on new</dt>
          <dd>{formatCount(fresh)}</dd>
        </div>
        <div>
          <dt>on the side that no longer serves</dt>
          <dd>{formatCount(oldSide)}</dd>
        </div>
        <div>
          <dt>oldest</dt>
          <dd>
            <Time at={oldest} />
          </dd>
        </div>
        <div>
          <dt>on a flip</dt>
          <dd>{route.settings.streams.onFlip}</dd>
        </div>
      </dl>
    </section>
  );
}
