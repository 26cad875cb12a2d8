// What processes tell Prometheus: the names and labels that are really there, and those that a query asks for.
import { z } from 'zod';
import { createMetrics as createBackendMetrics } from '../../backend/metrics.ts';
import { createMetrics as createGatewayMetrics } from '../../gateway/metrics.ts';

/** A metric as it can be asked for: a histogram is three of them. */
export type Exposed = ReadonlyMap<string, { readonly labels: ReadonlySet<string> }>;

/** What Prometheus adds to every series. */
const TARGET_LABELS = ['job', 'instance'];
const definition = z.object({ name: z.string(), labelNames: z.array(z.string()) });

/** All that the gateway and the backend expose, and `up`, which Prometheus makes itself. */
export async function exposedMetrics(): Promise<Exposed> {
  const exposed = new Map([['up', { labels: new Set(TARGET_LABELS) }]]);
  for (const { registry } of [createGatewayMetrics(), createBackendMetrics({ processMetrics: true })]) {
    const types = typesIn(await registry.metrics());
    for (const metric of registry.getMetricsAsArray()) {
      const { name, labelNames } = definition.parse({ ...metric });
      const labels = new Set([...TARGET_LABELS, ...labelNames]);
      if (types.get(name) === 'histogram') {
        exposed.set(`${name}_bucket`, { labels: new Set([...labels, 'le']) });
        exposed.set(`${name}_sum`, { labels }).set(`${name}_count`, { labels });
      } else if (types.has(name)) exposed.set(name, { labels });
    }
  }
  return exposed;
}

/** The types by name, of Prometheus' text format. */
export function typesIn(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
}

/** A metric that a query names, with the labels that it selects it by. */
export interface Named {
  readonly name: string;
  readonly labels: readonly string[];
}

const WORDS = new Set(['and', 'or', 'unless', 'offset', 'bool', 'by', 'without', 'on', 'ignoring', 'inf']);

/** What a PromQL expression reads. It knows as much of the language as our queries use. */
export function metricsIn(expr: string): Named[] {
  const text = expr
    .replace(/"[^"]*"/g, '""')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\boffset\s+\w+/g, ' ');
  const found: Named[] = [];
  for (const [, name = '', matchers = ''] of text.matchAll(
    /(?<![\w:.$"])([a-zA-Z_][\w:]*)\s*(?![\w:(\s])(\{[^}]*\})?/g,
  )) {
    if (WORDS.has(name)) continue;
    if (found.some((each) => each.name === name && matchers === '')) continue;
    found.push({ name, labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label) });
  }
  return found.filter(({ name }) => !isInMatchers(text, name));
}

/** Labels within braces look like names too. */
function isInMatchers(text: string, name: string): boolean {
  return !new RegExp(`(?<![\\w:])${name}(?![\\w:])`).test(text.replace(/\{[^}]*\}/g, ''));
}
