import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shareOf } from '../../../gateway/cluster/share.ts';
import { aGatewayConfig } from '../../helpers/gateway-config.ts';

describe("a worker's share of the limits", () => {
  const config = aGatewayConfig({
    mirror: { concurrency: 10, queueMax: 5, queueBytesMax: 1_000, compareCpuPercent: 40 },
    limits: { connectionsMax: 100, requestsMax: 7 },
  });

  it('is its part, rounded up, so that none is left with nothing', () => {
    const { mirror, limits, upstreams } = shareOf(config, 4);
    assert.deepEqual([mirror.concurrency, mirror.queueMax, mirror.queueBytesMax], [3, 2, 250]);
    assert.equal(mirror.compareCpuPercent, 10);
    assert.deepEqual([limits.connectionsMax, limits.requestsMax], [25, 2]);
    assert.deepEqual([upstreams.legacy.connections, upstreams.new.connections], [64, 64]);
    assert.equal(shareOf(aGatewayConfig({ mirror: { concurrency: 1 } }), 64).mirror.concurrency, 1);
  });

  it('is a part of the streams of each route that are compared at once', () => {
    const match = { methods: ['GET'], path: '/a' };
    const compared = aGatewayConfig({ routes: [{ id: 'a', match, streams: { compare: { streamsMax: 5 } } }] });
    assert.equal(shareOf(compared, 4).routes[0]?.streams.compare?.streamsMax, 2);
  });

  it('is a part of the copies that each route has at least', () => {
    const match = { methods: ['GET'], path: '/a' };
    const least = (minimumPerHour: number) =>
      shareOf(aGatewayConfig({ routes: [{ id: 'a', match, mirror: { minimumPerHour } }] }), 4).routes[0]?.mirror
        .minimumPerHour;
    assert.deepEqual([60, 2, 0].map(least), [15, 1, 0]);
  });

  it('leaves what is not a limit of the whole gateway as it is', () => {
    const share = shareOf(config, 4);
    const { upstreams, mirror: _, limits, ...rest } = share;
    const { upstreams: _u, mirror: _m, limits: _l, ...given } = config;
    assert.deepEqual(rest, given);
    assert.equal(upstreams.legacy.url, config.upstreams.legacy.url);
    assert.equal(limits.headerTimeoutMs, config.limits.headerTimeoutMs);
  });
});
