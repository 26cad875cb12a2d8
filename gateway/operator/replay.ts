// Replaying a sample through the gateway: on the two backends that it knows, never on an address that a caller names,
// which would make every operator's token a way into the network behind the gateway. `banyan diffs replay --against`
// reaches other builds from where its caller stands.
import { replayOnSides } from '../mirror/replay.ts';
import { SIDES } from '../routing/side.ts';
import { callerOf, type OperatorContext, type OperatorDeps, Refusal, readBody, routeOf, sampleOf } from './context.ts';
import { replayBody } from './contract/samples.ts';

/** Replays under way at a time, beside the copies of clients' requests. */
const REPLAYS_MAX = 4;

/** Answers a sample's request sent to both sides again. The fields that a caller gives are neither stored nor logged. */
export function createReplayer(deps: OperatorDeps): (c: OperatorContext, id: string, n: string) => Promise<Response> {
  let underWay = 0;
  return async (c, id, n) => {
    const route = routeOf(deps, id);
    const sample = sampleOf(deps, route.id, n);
    const { headers } = await readBody(c, replayBody);
    if (underWay >= REPLAYS_MAX) {
      const detail = `${REPLAYS_MAX} replays are under way; try again in a moment`;
      throw new Refusal(429, detail, { headers: { 'retry-after': '1' } });
    }
    underWay++;
    try {
      const { compare, redact, mirror } = route.config;
      const { timeoutMs, bodyBytesMax } = mirror;
      const { config, upstreams } = deps.settings.current;
      // Where a side wants a Host of its own, the sample may hold that instead of the client's.
      const keepsHost = SIDES.every((side) => config.upstreams[side].host === 'keep');
      const settings = { compare, redact, timeoutMs, bodyBytesMax, headers, keepsHost };
      const replay = await replayOnSides(sample, upstreams.copying, settings, deps.now);
      const { result } = replay;
      deps.metrics.replays.inc({ route: route.id, result });
      const by = callerOf(c).name;
      deps.log.info(
        { route: route.id, sample: sample.n, result, by, requestId: c.get('requestId') },
        'sample replayed',
      );
      return c.json(replay);
    } finally {
      underWay--;
    }
  };
}
