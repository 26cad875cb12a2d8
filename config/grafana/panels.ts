// A dashboard as Grafana reads it, from what a panel is about: titles, queries, units. Everything else is the same for all.

/** Grafana's names of units. */
export type Unit = 'short' | 'reqps' | 'percentunit' | 's' | 'bytes';

export interface Query {
  /** PromQL; `$route` is the dashboard's choice of routes, where it has one. */
  readonly expr: string;
  /** What a line is called, with labels such as `{{side}}`. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What it means, shown by the panel's (i). */
  readonly about: string;
  readonly kind: 'lines' | 'number' | 'table';
  readonly unit: Unit;
  readonly queries: readonly Query[];
}

export interface Dashboard {
  /** Stable: links and bookmarks rely on it. */
  readonly uid: string;
  readonly title: string;
  /** The label of this metric that the choice of routes is made of; undefined: there is no choice. */
  readonly routesOf?: string;
  readonly panels: readonly Panel[];
}

const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const COLUMNS = 24;
const SIZES = { lines: { w: 12, h: 8 }, number: { w: 6, h: 5 }, table: { w: 12, h: 8 } };
const TYPES = { lines: 'timeseries', number: 'stat', table: 'table' };

/** A flip is a stage that is in force and was not a minute ago; asked for minute by minute, each is found once. */
export const FLIPS_QUERY = '(banyan_route_stage == 1) unless (banyan_route_stage offset 1m == 1)';

/** The dashboard's JSON, as its file has it. Pure. */
export function renderDashboard({ uid, title, routesOf, panels }: Dashboard): string {
  const model = {
    uid,
    title,
    tags: ['banyan'],
    schemaVersion: 39,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [datasourceChoice(), ...(routesOf === undefined ? [] : [routeChoice(routesOf)])] },
    links: [{ type: 'dashboards', title: 'Banyan', tags: ['banyan'], asDropdown: true, keepTime: true }],
    annotations: { list: [flips()] },
    panels: placed(panels),
  };
  return `${JSON.stringify(model, null, 2)}\n`;
}

function datasourceChoice() {
  return { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' };
}

function routeChoice(metric: string) {
  const query = `label_values(${metric}, route)`;
  return {
    ...{ name: 'route', label: 'Route', type: 'query', datasource: DATASOURCE, definition: query },
    query: { query, refId: 'routes' },
    ...{ refresh: 2, sort: 1, multi: true, includeAll: true, allValue: '.*' },
    current: { text: 'All', value: '$__all' },
  };
}

function flips() {
  return {
    ...{ name: 'Flips', enable: true, iconColor: 'purple', datasource: DATASOURCE },
    ...{ expr: FLIPS_QUERY, step: '60s', titleFormat: '{{route}}', textFormat: 'now in {{stage}}' },
  };
}

/** From left to right, a new line where the width is used up. */
function placed(panels: readonly Panel[]) {
  let [x, y, lineHeight] = [0, 0, 0];
  return panels.map(({ title, about, kind, unit, queries }, index) => {
    const { w, h } = SIZES[kind];
    if (x + w > COLUMNS) [x, y, lineHeight] = [0, y + lineHeight, 0];
    const gridPos = { x, y, w, h };
    [x, lineHeight] = [x + w, Math.max(lineHeight, h)];
    return {
      ...{ id: index + 1, type: TYPES[kind], title, description: about, datasource: DATASOURCE, gridPos },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: queries.map(({ expr, legend }, at) => ({
        ...{ refId: String.fromCharCode(65 + at), datasource: DATASOURCE, expr, legendFormat: legend },
        ...(kind === 'table' ? { instant: true, format: 'table' } : {}),
      })),
    };
  });
}
