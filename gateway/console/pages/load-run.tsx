// One load comparison: its limits, the percentiles of each route on each side and through the gateway, and what that adds.
import type { JSX } from 'preact';
import type { LoadLimit, LoadRun } from '../answers.ts';
import { formatCount, formatEstimate, formatRate } from '../format.ts';
import { useLive } from '../live.ts';
import { routePath } from '../location.ts';
import { LoadOutcome } from '../parts/load-verdict.tsx';
import { Loading } from '../parts/loading.tsx';
import { TableHead } from '../parts/table-head.tsx';
import { Time } from '../parts/time.tsx';

export function LoadRunPage({ id }: { readonly id: string }): JSX.Element {
  const path = `/api/load-runs/${encodeURIComponent(id)}`;
  const live = useLive<LoadRun>(path);
  return (
    <>
      <header class="page-head">
        <h1>Load run {id}</h1>
        <p class="buttons">
          <a href="/load-runs">All runs</a>
          <a href={`${path}/page`} target="_blank" rel="noopener">
            The report, with plots
          </a>
        </p>
      </header>
      <Loading live={live.value}>{(run) => <Report {...run} />}</Loading>
    </>
  );
}

function Report({ at, met, machine, load, urls, verdicts, arms, overheads }: LoadRun): JSX.Element {
  const asked = Object.entries(urls).map(([target, url]) => `${target} ${url}`);
  return (
    <>
      <p class={met ? undefined : 'problem'}>{met ? 'Every limit is met.' : 'Not every limit is met.'}</p>
      <p class="faint">
        <Time at={at} />: {load.rounds} rounds of {load.seconds} s at {formatRate(load.rate)} journeys/s
        {load.writes ? '' : ', reads only'}; {machine.cores} cores, {machine.cpu}; k6 {machine.k6}; {asked.join(', ')}
      </p>
      <Section title="Limits" heads={['Limit', 'At most', 'Measured, with its 95 % interval', 'Outcome']}>
        {inOrder(verdicts).map((verdict) => (
          <Limit key={verdict.what} verdict={verdict} />
        ))}
      </Section>
      <Section title="What the gateway adds" heads={['Route', 'Served by', 'p50, ms', 'p95, ms']}>
        {overheads.map(({ route, side, p50, p95 }) => (
          <tr key={`${route} ${side}`}>
            <RouteName id={route} />
            <td>{side}</td>
            <td>{formatEstimate(p50, 'ms')}</td>
            <td>{formatEstimate(p95, 'ms')}</td>
          </tr>
        ))}
      </Section>
      <Section
        title="Latency"
        heads={['Route', 'Asked', 'Answered by', 'Requests', 'Failed', 'p50, ms', 'p95, ms', 'p99, ms']}
      >
        {arms.map((arm) => (
          <tr key={`${arm.route} ${arm.target} ${arm.side}`}>
            <RouteName id={arm.route} />
            <td>{arm.target}</td>
            <td>{arm.side}</td>
            <td>{formatCount(arm.count)}</td>
            <td>{formatCount(arm.failed)}</td>
            {(['p50', 'p95', 'p99'] as const).map((percentile) => (
              <td key={percentile}>{formatEstimate(arm[percentile], 'ms')}</td>
            ))}
          </tr>
        ))}
      </Section>
    </>
  );
}

const ORDER: Readonly<Record<LoadLimit['outcome'], number>> = { missed: 0, unclear: 1, met: 2 };

/** What was missed first. */
function inOrder(verdicts: readonly LoadLimit[]): readonly LoadLimit[] {
  return verdicts.toSorted((a, b) => ORDER[a.outcome] - ORDER[b.outcome]);
}

function Limit({ verdict: { what, unit, limit, measured, outcome } }: { readonly verdict: LoadLimit }): JSX.Element {
  return (
    <tr data-outcome={outcome}>
      <th scope="row">{what}</th>
      <td>
        {limit}
        {unit === 'share' ? '' : ` ${unit}`}
      </td>
      <td>{formatEstimate(measured, unit)}</td>
      <td>
        <LoadOutcome outcome={outcome} />
      </td>
    </tr>
  );
}

function RouteName({ id }: { readonly id: string }): JSX.Element {
  return (
    <th scope="row">
      <a href={routePath(id)}>{id}</a>
    </th>
  );
}

interface SectionProps {
  readonly title: string;
  readonly heads: readonly string[];
  readonly children: readonly JSX.Element[];
}

function Section({ title, heads, children }: SectionProps): JSX.Element | null {
  if (children.length === 0) return null;
  return (
    <section class="panel">
      <h2>{title}</h2>
      <div class="scroll">
        <table>
          <TableHead titles={heads} />
          <tbody>{children}</tbody>
        </table>
      </div>
    </section>
  );
}
