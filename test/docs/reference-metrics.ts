// Every metric of the gateway and of the backend. Those of Node itself, of which both have the same, are left out.
import { z } from 'zod';
import { createMetrics as createBackendMetrics } from '../../backend/metrics.ts';
import { createMetrics as createGatewayMetrics } from '../../gateway/metrics.ts';
import { typesIn } from '../helpers/exposition.ts';
import { table } from './reference-table.ts';

const definition = z.object({ name: z.string(), help: z.string(), labelNames: z.array(z.string()) });

export async function metricsPage(): Promise<string> {
  return [
    "## The gateway\n\nAt `/metrics` of the operator's port, without a token, of all its processes together.",
    await metricsOf(createGatewayMetrics().registry),
    '## The new backend\n\nAt `/api/admin/metrics`.',
    await metricsOf(createBackendMetrics().registry),
    'Both have what prom-client tells of Node and the process as well (`nodejs_*`, `process_*`).',
  ].join('\n\n');
}

type Registry = ReturnType<typeof createGatewayMetrics>['registry'];

async function metricsOf(registry: Registry): Promise<string> {
  const types = typesIn(await registry.metrics());
  const rows = registry
    .getMetricsAsArray()
    .map((metric) => definition.parse({ ...metric }))
    .filter(({ name }) => !/^(?:nodejs|process)_/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, help, labelNames }) => [
      `\`${name}\``,
      types.get(name) ?? '',
      labelNames.map((label) => `\`${label}\``).join(', '),
      help,
    ]);
  return table(['metric', 'type', 'labels', 'what it is'], rows);
}
