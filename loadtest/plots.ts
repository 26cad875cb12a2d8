// Plots as SVG text, coloured by the page's classes `legacy`, `new` and `gateway`. Pure.
import type { Arm, Moment } from './report.ts';
import type { Estimate } from './statistics.ts';

const WIDTH = 860;
const LABELS = 190;
const RIGHT = 20;
const ROW = 15;
const TICKS = 5;
const LINE_HEIGHT = 220;
const LINE_LEFT = 50;

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Round steps of which about TICKS make up `max`. */
export function ticksOf(max: number): readonly number[] {
  if (!(max > 0)) return [0];
  const rough = max / TICKS;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * ([1, 2, 5].find((each) => each * magnitude >= rough) ?? 10);
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

const svg = (height: number, label: string, body: readonly string[]): string =>
  `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(label)}">${body.join('')}</svg>`;
const at = (value: number): string => value.toFixed(1);

/** A dot and its interval; nothing where there is no estimate. */
interface Dot {
  readonly arm: Pick<Arm, 'route' | 'target' | 'side'>;
  readonly estimate: Estimate | null;
}

/** The dots of each route, a row each, in milliseconds. A bound that is not known is a broken line to the edge. */
export function dotPlot(dots: readonly Dot[], label: string): string {
  const shown = dots.flatMap(({ arm, estimate }) => (estimate === null ? [] : [{ arm, estimate }]));
  const routes = [...new Set(shown.map(({ arm }) => arm.route))].sort();
  const max = Math.max(...shown.map(({ estimate: { value, high } }) => high ?? value), 0);
  const x = (value: number) => LABELS + (max === 0 ? 0 : (value / max) * (WIDTH - LABELS - RIGHT));
  const body: string[] = [];
  let y = ROW;
  for (const route of routes) {
    const rows = shown.filter(({ arm }) => arm.route === route);
    body.push(`<text x="0" y="${y + ((rows.length - 1) * ROW) / 2 + 4}">${escaped(route)}</text>`);
    for (const { arm, estimate } of rows) {
      body.push(dot(arm, estimate, { x, y }));
      y += ROW;
    }
    y += ROW / 2;
  }
  const axis = ticksOf(max).map(
    (tick) =>
      `<line class="grid" x1="${at(x(tick))}" x2="${at(x(tick))}" y1="0" y2="${y}"/><text class="tick" x="${at(x(tick))}" y="${y + 14}">${tick}</text>`,
  );
  return svg(y + 20, label, [...axis, ...body]);
}

function dot(
  arm: Dot['arm'],
  { value, low, high }: Estimate,
  { x, y }: { x: (value: number) => number; y: number },
): string {
  const name = `${arm.route}, ${arm.target}${arm.target === 'gateway' ? ` (${arm.side})` : ''}: ${value.toFixed(2)} ms`;
  return (
    `<g class="${arm.target}"><title>${escaped(name)}</title>` +
    `<line class="interval" x1="${at(x(Math.max(0, low ?? value)))}" x2="${at(x(high ?? value))}" y1="${y}" y2="${y}"/>` +
    (high === null ? `<line class="unknown" x1="${at(x(value))}" x2="${WIDTH}" y1="${y}" y2="${y}"/>` : '') +
    `<circle cx="${at(x(Math.max(0, value)))}" cy="${y}" r="4"/></g>`
  );
}

/** The p95 of every second, a line a target, broken where another target had its turn. */
export function linePlot(series: readonly Moment[], label: string): string {
  const last = Math.max(...series.map(({ second }) => second), 1);
  const max = Math.max(...series.map(({ p95 }) => p95), 0);
  const x = (second: number) => LINE_LEFT + (second / last) * (WIDTH - LINE_LEFT - RIGHT);
  const y = (value: number) => LINE_HEIGHT - (max === 0 ? 0 : (value / max) * (LINE_HEIGHT - 10));
  const axis = ticksOf(max).map(
    (tick) =>
      `<line class="grid" x1="${LINE_LEFT}" x2="${WIDTH - RIGHT}" y1="${at(y(tick))}" y2="${at(y(tick))}"/><text class="side" x="${LINE_LEFT - 6}" y="${at(y(tick) + 4)}">${tick}</text>`,
  );
  const times = ticksOf(last).map(
    (tick) => `<text class="tick" x="${at(x(tick))}" y="${LINE_HEIGHT + 16}">${tick} s</text>`,
  );
  const lines = turnsOf(series).map(
    (turn) =>
      `<polyline class="${turn[0]?.target}" points="${turn.map(({ second, p95 }) => `${at(x(second))},${at(y(p95))}`).join(' ')}"/>`,
  );
  const dots = series.map(
    ({ target, second, p95, count }) =>
      `<circle class="${target}" cx="${at(x(second))}" cy="${at(y(p95))}" r="2.5"><title>${target}, second ${second}: p95 ${p95.toFixed(2)} ms of ${count}</title></circle>`,
  );
  return svg(LINE_HEIGHT + 24, label, [...axis, ...times, ...lines, ...dots]);
}

function turnsOf(series: readonly Moment[]): readonly (readonly Moment[])[] {
  const turns: Moment[][] = [];
  for (const moment of series) {
    const turn = turns.at(-1);
    if (turn?.[0]?.target === moment.target) turn.push(moment);
    else turns.push([moment]);
  }
  return turns;
}
