// One worker's share of what the configuration allows a gateway as a whole. Pure.
import type { GatewayConfig, RouteConfig, UpstreamConfig } from '../../config/gateway-schema.ts';

type CopyRates = Pick<GatewayConfig['mirror'], 'copiesPerSecondMax' | 'bytesPerSecondMax'>;

/** The configuration as each of `workers` follows it: together they stay within its limits, but for rounding up. */
export function shareOf(config: GatewayConfig, workers: number): GatewayConfig {
  const share = (limit: number) => Math.ceil(limit / workers);
  const upstream = (side: UpstreamConfig): UpstreamConfig => ({ ...side, connections: share(side.connections) });
  const ratesOf = ({ copiesPerSecondMax, bytesPerSecondMax }: CopyRates): CopyRates => ({
    copiesPerSecondMax: copiesPerSecondMax && copiesPerSecondMax / workers,
    bytesPerSecondMax: bytesPerSecondMax && bytesPerSecondMax / workers,
  });
  const streamsOf = ({ compare, ...streams }: RouteConfig['streams']): RouteConfig['streams'] =>
    compare ? { ...streams, compare: { ...compare, streamsMax: share(compare.streamsMax) } } : streams;
  const route = (each: RouteConfig): RouteConfig => ({
    ...each,
    mirror: { ...each.mirror, ...ratesOf(each.mirror), minimumPerHour: share(each.mirror.minimumPerHour) },
    streams: streamsOf(each.streams),
  });
  const { mirror, limits, upstreams, routes } = config;
  return {
    ...config,
    routes: routes.map(route),
    upstreams: { legacy: upstream(upstreams.legacy), new: upstream(upstreams.new) },
    mirror: {
      ...mirror,
      concurrency: share(mirror.concurrency),
      queueMax: share(mirror.queueMax),
      queueBytesMax: share(mirror.queueBytesMax),
      compareCpuPercent: mirror.compareCpuPercent / workers,
      ...ratesOf(mirror),
    },
    limits: {
      ...limits,
      connectionsMax: share(limits.connectionsMax),
      requestsMax: share(limits.requestsMax),
    },
  };
}
