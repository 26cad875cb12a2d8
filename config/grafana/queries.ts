// Short ways to say what a panel shows.
import type { Panel, Query, Unit } from './panels.ts';

export const query = (expr: string, legend: string): Query => ({ expr, legend });

export function lines(title: string, unit: Unit, about: string, ...queries: readonly Query[]): Panel {
  return { title, about, kind: 'lines', unit, queries };
}

export function number(title: string, unit: Unit, about: string, expr: string): Panel {
  return { title, about, kind: 'number', unit, queries: [query(expr, '')] };
}

export function table(title: string, about: string, expr: string): Panel {
  return { title, about, kind: 'table', unit: 'short', queries: [query(expr, '')] };
}

export const rate = (metric: string, by: string, filter = '') =>
  `sum by (${by}) (rate(${metric}${filter}[$__rate_interval]))`;
export const quantile = (share: number, metric: string, by: string, filter = '') => {
  const labels = by === '' ? 'le' : `${by}, le`;
  return `histogram_quantile(${share}, ${rate(`${metric}_bucket`, labels, filter)})`;
};
export const CHOSEN = '{route=~"$route"}';
