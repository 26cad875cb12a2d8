import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type RouteView, routesTable, routeText } from '../../../gateway/cli/render.ts';
import { forPeople } from '../../../gateway/cli/table.ts';

const QUIET = { requests: 0, errors: 0, perSecond: 0, latencyMs: null };
const STREAMS = { begun: 12, coverage: 0.95, parity: 0.999, parityLowerBound: 0.99 };

function aRoute(comparison: Partial<RouteView['comparison']>): RouteView {
  return {
    ...{ id: 'feed', stage: 'shadow', percent: 0, mirrorPercent: 100, samplePercent: 100, revision: 1, override: null },
    traffic: { legacy: QUIET, new: QUIET },
    comparison: { eligible: 0, coverage: null, parity: null, parityLowerBound: null, ...comparison },
    writesLegacyLacks: { count: 0, since: null },
    attention: [],
  };
}

describe('what banyan route prints', () => {
  it('has nothing of streams where none was to be compared', () => {
    assert.doesNotMatch(routeText(aRoute({})), /streams/);
  });

  it('has the rates of streams beside those of requests', () => {
    const text = routeText(aRoute({ eligible: 5, coverage: 1, parity: 1, parityLowerBound: 0.5, streams: STREAMS }));
    assert.match(text, /^ {2}parity +100\.00 % \(at least 50\.00 % with 95 % confidence\)$/m);
    assert.match(text, /^ {2}streams +12 compared, coverage 95\.0 %$/m);
    assert.match(text, /^ {2}their parity +99\.90 % \(at least 99\.00 % with 95 % confidence\)$/m);
  });
});

describe('what banyan routes prints', () => {
  it('of a route that serves streams alone has their rates', () => {
    assert.match(forPeople(routesTable([aRoute({ streams: STREAMS })])), /^feed .* 99\.90 % +95\.0 %$/m);
    const both = aRoute({ eligible: 5, coverage: 1, parity: 0.5, streams: STREAMS });
    assert.match(forPeople(routesTable([both])), /^feed .* 50\.00 % +100\.0 %$/m);
  });
});
