// Where a route's requests go, drawn: client, gateway, flag, the two sides with what each serves now, and the copies.
import type { JSX } from 'preact';
import type { RouteDetail } from '../answers.ts';
import { formatMs, formatRate, formatShare } from '../format.ts';

const WIDTH = 920;
const HEIGHT = 190;
/** A line that carries everything is so thick; one that carries something is never invisible. */
const STROKE_MAX = 12;
const STROKE_MIN = 1.5;

const COPIED_TO = {
  legacy: undefined,
  shadow: 'new',
  canary: 'the other side',
  live: 'legacy',
  complete: undefined,
} as const;

export function PathDrawing({ route }: { readonly route: RouteDetail }): JSX.Element {
  const { legacy, new: fresh } = route.traffic;
  const total = legacy.perSecond + fresh.perSecond;
  const copiedTo = route.mirrorPercent > 0 ? COPIED_TO[route.stage] : undefined;
  const label =
    `Legacy serves ${formatRate(legacy.perSecond)} and new ${formatRate(fresh.perSecond)} requests a second` +
    (copiedTo ? `; copies go to ${copiedTo}` : '');
  return (
    <figure class="path-drawing">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        <Box x={0} y={70} title="clients" text={`${formatRate(total)} req/s`} />
        <Wire from={[130, 95]} to={[190, 95]} share={total > 0 ? 1 : 0} />
        <Box x={190} y={70} title="gateway" text={route.override ? 'override' : 'flag'} />
        <Wire from={[320, 95]} to={[390, 95]} share={total > 0 ? 1 : 0} />
        <Box
          x={390}
          y={70}
          title={route.override ? `forced to ${route.override.side}` : route.stage}
          text={`${route.percent} % of users to new`}
        />
        <Wire from={[560, 85]} to={[680, 40]} share={total > 0 ? legacy.perSecond / total : 0} />
        <Wire from={[560, 105]} to={[680, 150]} share={total > 0 ? fresh.perSecond / total : 0} />
        <Box x={680} y={15} title="legacy" text={sideText(legacy)} wide />
        <Box x={680} y={125} title="new" text={sideText(fresh)} wide />
        {copiedTo ? <Copies to={copiedTo} percent={route.mirrorPercent} /> : null}
      </svg>
    </figure>
  );
}

function sideText(side: RouteDetail['traffic']['legacy']): string {
  const p95 = side.latencyMs ? `p95 ${formatMs(side.latencyMs.p95)} ms` : 'no traffic lately';
  return `${formatRate(side.perSecond)} req/s · ${formatShare(side.errorShare)} errors · ${p95}`;
}

interface BoxProps {
  readonly x: number;
  readonly y: number;
  readonly title: string;
  readonly text: string;
  readonly wide?: boolean;
}

function Box({ x, y, title, text, wide = false }: BoxProps): JSX.Element {
  const width = wide ? 240 : x === 390 ? 170 : 130;
  return (
    <g class={title === 'legacy' || title === 'new' ? `box ${title}` : 'box'}>
      <rect x={x + 0.5} y={y + 0.5} width={width - 1} height={49} rx={6} />
      <text x={x + width / 2} y={y + 21} class="title">
        {title}
      </text>
      <text x={x + width / 2} y={y + 39}>
        {text}
      </text>
    </g>
  );
}

interface WireProps {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly share: number;
}

function Wire({ from, to, share }: WireProps): JSX.Element {
  const width = share > 0 ? STROKE_MIN + share * (STROKE_MAX - STROKE_MIN) : 1;
  return (
    <line
      class={share > 0 ? 'wire' : 'wire idle'}
      x1={from[0]}
      y1={from[1]}
      x2={to[0]}
      y2={to[1]}
      stroke-width={width}
    />
  );
}

function Copies({ to, percent }: { readonly to: string; readonly percent: number }): JSX.Element {
  return (
    <g class="copies">
      <path d="M 800 68 L 800 122" />
      <text x={790} y={99}>
        copies of {percent} % to {to}
      </text>
    </g>
  );
}
