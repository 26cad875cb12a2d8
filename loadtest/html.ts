// A comparison as one HTML file that needs nothing else: no script, no network, light and dark. Pure.
import { ARM_HEAD, armRow, circumstances, METHOD, VERDICT_HEAD, verdictRow } from './markdown.ts';
import { dotPlot, escaped, linePlot } from './plots.ts';
import type { Report } from './report.ts';

const STYLE = `
:root { color-scheme: light dark; --text: #1c2530; --soft: #5b6875; --back: #fff; --line: #dde3e9;
  --legacy: #8a5a00; --new: #0b6bcb; --gateway: #0a7d4f; --met: #0a7d4f; --missed: #b3261e; --unclear: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --text: #e6ebf0; --soft: #9aa7b4; --back: #12171d; --line: #2b343e;
  --legacy: #e3a94a; --new: #6db3f8; --gateway: #54c794; --met: #54c794; --missed: #ff8a80; --unclear: #e3a94a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } p, figcaption { color: var(--soft); } figure { margin: 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
.met { color: var(--met); } .missed { color: var(--missed); font-weight: 600; } .unclear { color: var(--unclear); }
svg { width: 100%; height: auto; } svg text { fill: var(--text); font-size: 12px; } svg .tick, svg .side { fill: var(--soft); font-size: 11px; }
svg .tick { text-anchor: middle; } svg .side { text-anchor: end; } .grid { stroke: var(--line); } .interval { stroke-width: 2; } .unknown { stroke-dasharray: 2 5; } polyline { fill: none; stroke-width: 1.5; }
.legacy { fill: var(--legacy); stroke: var(--legacy); } .new { fill: var(--new); stroke: var(--new); } .gateway { fill: var(--gateway); stroke: var(--gateway); }
polyline.legacy, polyline.new, polyline.gateway { fill: none; } .key span { margin-right: 1.25rem; } .key i { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin-right: .4rem; }
i.legacy { background: var(--legacy); } i.new { background: var(--new); } i.gateway { background: var(--gateway); }`;

export function htmlOf(report: Report): string {
  const title = `Load comparison: ${report.met ? 'every limit is met' : 'not every limit is met'}`;
  const key = Object.keys(report.urls).map((target) => `<span><i class="${target}"></i>${target}</span>`);
  const dotsOf = (of: 'p50' | 'p95') => report.arms.map((arm) => ({ arm, estimate: arm[of] }));
  const added = report.overheads.map(({ route, side, p50 }) => ({
    arm: { route, side, target: 'gateway' as const },
    estimate: p50,
  }));
  const figures: readonly (readonly [heading: string, plot: string])[] = [
    ['p50 of each route, ms', dotPlot(dotsOf('p50'), 'p50 of each route by target')],
    ['p95 of each route, ms', dotPlot(dotsOf('p95'), 'p95 of each route by target')],
    ['what the gateway adds at p50, ms', dotPlot(added, 'what the gateway adds, by route')],
    ['p95 of every second, ms, the targets in turn', linePlot(report.series, 'p95 of every second')],
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body><main><h1>${title}</h1><p>${escaped(circumstances(report))}</p>
<h2>Limits</h2>${table(
    VERDICT_HEAD,
    report.verdicts.map(verdictRow),
    report.verdicts.map(({ outcome }) => outcome),
  )}
<h2>Latency</h2><p class="key">${key.join('')}</p>
${figures.map(([heading, plot]) => `<figure><figcaption>${heading}</figcaption>${plot}</figure>`).join('\n')}
<h2>Figures</h2>${table(ARM_HEAD, report.arms.map(armRow))}
<p>${escaped(METHOD)}</p></main></body></html>
`;
}

/** `marks` are classes of the rows' last cells. */
function table(head: readonly string[], rows: readonly (readonly string[])[], marks: readonly string[] = []): string {
  const body = rows.map((cells, row) => {
    const mark = marks[row];
    const last = cells.length - 1;
    return cells.map(
      (cell, n) => `<td${mark !== undefined && n === last ? ` class="${mark}"` : ''}>${escaped(cell)}</td>`,
    );
  });
  return (
    `<div class="scroll"><table><thead><tr>${head.map((each) => `<th scope="col">${each}</th>`).join('')}</tr></thead>` +
    `<tbody>${body.map((cells) => `<tr>${cells.join('')}</tr>`).join('')}</tbody></table></div>`
  );
}
