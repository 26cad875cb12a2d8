// The load comparisons that were kept: whether each met its limits, and how the figures went from run to run.
import type { JSX } from 'preact';
import type { BriefLoadRun, LoadRunList } from '../answers.ts';
import { formatEstimate, formatMs, formatRate } from '../format.ts';
import { useLive } from '../live.ts';
import { loadRunPath } from '../location.ts';
import { Chart } from '../parts/chart.tsx';
import { LoadVerdict } from '../parts/load-verdict.tsx';
import { Loading } from '../parts/loading.tsx';
import { TableHead } from '../parts/table-head.tsx';
import { Time } from '../parts/time.tsx';

export function LoadRunsPage(): JSX.Element {
  const live = useLive<LoadRunList>('/api/load-runs');
  return (
    <>
      <header class="page-head">
        <h1>Load runs</h1>
      </header>
      <Loading live={live.value}>{(list) => <LoadRuns {...list} />}</Loading>
    </>
  );
}

function LoadRuns({ runs, problems }: LoadRunList): JSX.Element {
  return (
    <>
      {problems.map(({ run, problem }) => (
        <p key={run} class="problem">
          The report of {run} cannot be shown: {problem}
        </p>
      ))}
      {runs.length === 0 ? (
        <p class="faint">
          No comparison was kept in the folder that the configuration names as <code>loadRuns</code>.{' '}
          <code>npm run loadtest -- compare</code> makes one, and its <code>--out</code> says where.
        </p>
      ) : (
        <>
          <Trends runs={runs} />
          <Table runs={runs} />
        </>
      )}
    </>
  );
}

interface RunsProps {
  readonly runs: LoadRunList['runs'];
}

function Trends({ runs }: RunsProps): JSX.Element {
  const timesMs = runs.map(({ at }) => Date.parse(at));
  const line = (label: string, colour: string, of: (run: BriefLoadRun) => number | null) => ({
    ...{ label, colour },
    values: runs.map(of),
  });
  const common = { timesMs, marks: [], format: formatMs };
  return (
    <section class="panel charts" aria-label="From run to run">
      <div class="columns">
        <Chart
          {...common}
          title="What the gateway adds, ms"
          lines={[
            line('p50', '--accent', ({ overheadMs }) => overheadMs.p50?.value ?? null),
            line('p95', '--warn', ({ overheadMs }) => overheadMs.p95?.value ?? null),
          ]}
        />
        <Chart
          {...common}
          title="p95, mean of the routes, ms"
          lines={[
            line('legacy', '--legacy', ({ meanP95Ms }) => meanP95Ms.legacy),
            line('new', '--new', ({ meanP95Ms }) => meanP95Ms.new),
            line('gateway', '--accent', ({ meanP95Ms }) => meanP95Ms.gateway),
          ]}
        />
      </div>
    </section>
  );
}

const HEADS = ['Run', 'Verdict', 'Limits', 'Load', 'Adds p50, ms', 'Adds p95, ms', 'Mean p95, ms', 'On'];

function Table({ runs }: RunsProps): JSX.Element {
  return (
    <div class="scroll">
      <table>
        <TableHead titles={HEADS} />
        <tbody>
          {runs.toReversed().map((run) => (
            <Row key={run.id} run={run} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ run }: { readonly run: BriefLoadRun }): JSX.Element {
  const { id, at, met, limits, load, overheadMs, meanP95Ms, machine } = run;
  const p95 = (['legacy', 'new', 'gateway'] as const).map((target) => `${target} ${formatMs(meanP95Ms[target])}`);
  const short = [
    ...(limits.missed > 0 ? [`${limits.missed} missed`] : []),
    ...(limits.unclear > 0 ? [`${limits.unclear} unclear`] : []),
  ];
  return (
    <tr data-run={id}>
      <th scope="row">
        <a href={loadRunPath(id)}>
          <Time at={at} />
        </a>
      </th>
      <td>
        <LoadVerdict met={met} limits={limits} />
      </td>
      <td>{short.join(', ') || `all ${limits.met} met`}</td>
      <td>
        {load.rounds} × {load.seconds} s at {formatRate(load.rate)}/s
      </td>
      <td>{formatEstimate(overheadMs.p50, 'ms')}</td>
      <td>{formatEstimate(overheadMs.p95, 'ms')}</td>
      <td>{p95.join(' · ')}</td>
      <td>{machine.cores} cores</td>
    </tr>
  );
}
