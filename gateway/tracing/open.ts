// Whether requests are traced is known when a process starts: what it takes is loaded then, or not at all.
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import type { ExporterDeps } from '../../config/otlp/exporter.ts';
import type { Tracing } from './tracing.ts';

/** Opens tracing where the configuration names a collector. */
export async function openTracing(
  { tracing, environment }: Pick<GatewayConfig, 'tracing' | 'environment'>,
  deps: Pick<ExporterDeps, 'metrics' | 'log'>,
): Promise<Tracing | undefined> {
  const { endpoint, service, samplePercent } = tracing;
  if (endpoint === undefined) return undefined;
  const { createOtlpTracing } = await import('./otlp-tracing.ts');
  const resource = {
    'service.name': service,
    'deployment.environment.name': environment,
    'process.pid': process.pid, // Each worker is one.
  };
  return createOtlpTracing({ endpoint, samplePercent, resource, ...deps });
}
