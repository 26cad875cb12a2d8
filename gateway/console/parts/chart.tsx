// Lines over time, legacy and new beside each other, with what was changed marked.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { timeMode } from '../preferences.ts';

const HEIGHT_PX = 180;
/** Of a line that is zero throughout: one per cent, or a hundredth of what is counted. */
const LEAST_RANGE = 0.01;

export interface ChartLine {
  readonly label: string;
  /** A variable of the style sheet. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
}

export interface ChartMark {
  readonly atMs: number;
  readonly text: string;
}

interface ChartProps {
  readonly title: string;
  /** Milliseconds since 1970, ascending; as many as each line has values. */
  readonly timesMs: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly marks: readonly ChartMark[];
  readonly format: (value: number) => string;
}

export function Chart({ title, timesMs, lines, marks, format }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const shownMarks = useRef(marks);
  shownMarks.current = marks;
  const labels = lines.map(({ label }) => label).join();

  useEffect(() => {
    const target = place.current;
    if (!target) return;
    const options = optionsOf({ lines, format, width: target.clientWidth, marks: () => shownMarks.current });
    const made = new uPlot(options, undefined, target);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: target.clientWidth, height: HEIGHT_PX }));
    resized.observe(target);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, [labels, timeMode.value]);

  useEffect(() => {
    const times = timesMs.map((ms) => ms / 1_000);
    plot.current?.setData([times, ...lines.map(({ values }) => [...values])]);
  });

  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={place} aria-hidden="true" />
      <p class="unseen">{lines.map((line) => latestText(line, format)).join('; ')}</p>
    </figure>
  );
}

/** What the chart ends in, for those who do not see it. */
function latestText({ label, values }: ChartLine, format: (value: number) => string): string {
  const latest = values.findLast((value) => value !== null);
  return `${label}: ${latest === undefined || latest === null ? 'no value' : format(latest)}`;
}

interface OptionsInput {
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
  readonly width: number;
  readonly marks: () => readonly ChartMark[];
}

function optionsOf({ lines, format, width, marks }: OptionsInput): uPlot.Options {
  const colourOf = (variable: string) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
  const axis = {
    stroke: () => colourOf('--faint'),
    grid: { stroke: () => colourOf('--line'), width: 1 },
    ticks: { stroke: () => colourOf('--line'), width: 1 },
  };
  return {
    width,
    height: HEIGHT_PX,
    legend: { live: true },
    tzDate: (seconds) =>
      timeMode.value === 'utc' ? uPlot.tzDate(new Date(seconds * 1_000), 'Etc/UTC') : new Date(seconds * 1_000),
    scales: { y: { range: (_plot, min, max) => rangeOf(min ?? 0, max ?? 0) } },
    axes: [axis, { ...axis, size: 64, values: (_plot, ticks) => ticks.map(format) }],
    series: [
      {},
      ...lines.map(({ label, colour }) => ({
        label,
        stroke: () => colourOf(colour),
        width: 2,
        spanGaps: false,
        value: (_plot: uPlot, value: number | null) => (value === null ? '–' : format(value)),
      })),
    ],
    hooks: { draw: [(made) => drawMarks(made, marks(), colourOf('--warn'))] },
  };
}

/** From zero, or from below it where something is; never nothing at all. */
function rangeOf(min: number, max: number): [number, number] {
  const [low, high] = [Math.min(0, min), Math.max(0, max)];
  return low === high ? [0, LEAST_RANGE] : [low * 1.1, high * 1.1];
}

function drawMarks(plot: uPlot, marks: readonly ChartMark[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.setLineDash([4, 3]);
  ctx.textBaseline = 'top';
  ctx.textAlign = 'left';
  let freeFrom = 0;
  for (const { atMs, text } of marks) {
    const x = Math.round(plot.valToPos(atMs / 1_000, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // Texts that would cover each other are left out; the audit log has them all.
    const { width } = ctx.measureText(text);
    const isAtTheEnd = x + 3 + width > bbox.left + bbox.width;
    const start = isAtTheEnd ? x - 3 - width : x + 3;
    if (start < freeFrom) continue;
    ctx.fillText(text, start, bbox.top + 2);
    freeFrom = start + width + 5;
  }
  ctx.restore();
}
