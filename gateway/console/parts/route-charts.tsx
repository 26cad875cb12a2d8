import type { JSX } from 'preact';
import type { Series } from '../answers.ts';
import { formatMs, formatRate, formatShare } from '../format.ts';
import { useLive } from '../live.ts';
import { type Measure, seriesLines } from '../series-lines.ts';
import { Chart } from './chart.tsx';
import { Loading } from './loading.tsx';

const CHARTS: readonly {
  readonly measure: Measure;
  readonly title: string;
  readonly format: (value: number) => string;
}[] = [
  { measure: 'perSecond', title: 'Requests a second', format: formatRate },
  { measure: 'errorShare', title: 'Errors', format: (share) => formatShare(share, 1) },
  { measure: 'p95Ms', title: 'p95, ms', format: formatMs },
];

/** How both sides did lately, with every change of the route marked. */
export function RouteCharts({ id }: { readonly id: string }): JSX.Element {
  const live = useLive<Series>(`/api/routes/${encodeURIComponent(id)}/series`);
  return (
    <section class="panel charts">
      <h2>The last hour</h2>
      <Loading live={live.value}>{(series) => <Charts series={series} />}</Loading>
    </section>
  );
}

function Charts({ series }: { readonly series: Series }): JSX.Element {
  if (series.points.length === 0) return <p class="faint">Nothing was served.</p>;
  const marks = series.flips.map(({ at, action, actor }) => ({ atMs: Date.parse(at), text: `${action} ${actor}` }));
  return (
    <div class="columns">
      {CHARTS.map(({ measure, title, format }) => {
        const { timesMs, ...values } = seriesLines(series, measure);
        const lines = [
          { label: 'legacy', colour: '--legacy', values: values.legacy },
          { label: 'new', colour: '--new', values: values.new },
        ];
        return <Chart key={measure} title={title} timesMs={timesMs} lines={lines} marks={marks} format={format} />;
      })}
    </div>
  );
}
