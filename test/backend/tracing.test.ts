// One trace from the client through the gateway to the backend; a copy's trace is its own, and linked.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTracing } from '../../backend/tracing.ts';
import { testBackend } from '../helpers/backend.ts';
import { closingAfterEach } from '../helpers/closing.ts';
import { startCollector } from '../helpers/collector.ts';
import { eventually } from '../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../helpers/gateway.ts';
import { sendJson, startUpstream } from '../helpers/upstream.ts';

const kept = closingAfterEach();
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SILENT = { info() {}, warn() {} };

/** A backend that listens, and what it exports. */
async function startTraced() {
  const collector = await kept(startCollector());
  const tracing = createTracing({ endpoint: collector.url, metrics: testBackend().metrics, log: SILENT });
  const { backend } = testBackend({ tracing });
  const address = await backend.listen({ host: '127.0.0.1', port: 0, reconcileIntervalMs: 60_000 });
  await kept({ close: () => backend.close({ timeoutMs: 1_000 }) });
  return { url: `http://${address}`, tracing, collector };
}

/** A request through a gateway that leaves the route in a stage; answers all spans of both. */
async function throughGateway(stage: 'shadow' | 'live') {
  const { url, tracing, collector } = await startTraced();
  const legacy = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
  const routes = [routeOn('/api/positions/:user_id', { initialStage: stage })];
  const overrides = { tracing: { endpoint: collector.url } };
  const gateway = await startTestGateway({ legacy: legacy.url, new: url, routes, overrides });
  await (await fetch(`${gateway.url}/api/positions/u1?token=secret`)).text();
  const compared = async () => (await gateway.api('GET', '/metrics')).body.includes('banyan_mirror_outcomes_total{');
  await eventually(compared, 'the copy to be compared');
  await gateway.close();
  await tracing.close();
  assert.deepEqual(collector.problems, []);
  const one = (kind: string, matches: (attributes: Record<string, unknown>) => boolean) => {
    const [found] = collector.spans.filter((span) => span.kind === kind && matches(span.attributes));
    assert.ok(found, kind);
    return found;
  };
  return {
    request: one('server', (attributes) => 'banyan.route' in attributes),
    toNew: one('client', (attributes) => attributes['banyan.side'] === 'new'),
    inBackend: one('server', (attributes) => !('banyan.route' in attributes)),
  };
}

describe('a traced backend', () => {
  it('that serves is below the gateway in the trace of the request', async () => {
    const { request, toNew, inBackend } = await throughGateway('live');
    assert.deepEqual([toNew.traceId, toNew.parentSpanId], [request.traceId, request.spanId]);
    assert.deepEqual([inBackend.traceId, inBackend.parentSpanId], [request.traceId, toNew.spanId]);
    assert.equal(inBackend.name, 'GET /api/positions/:user_id');
    assert.deepEqual(inBackend.attributes, {
      'http.request.method': 'GET',
      'http.route': '/api/positions/:user_id',
      'http.response.status_code': 200,
    });
  });

  it('that gets a copy is in the trace of the copy, which is linked to the request', async () => {
    const { request, toNew, inBackend } = await throughGateway('shadow');
    assert.notEqual(toNew.traceId, request.traceId);
    assert.deepEqual(toNew.links, [{ traceId: request.traceId, spanId: request.spanId }]);
    assert.deepEqual([inBackend.traceId, inBackend.parentSpanId], [toNew.traceId, toNew.spanId]);
  });

  it('records what its caller records and nothing else', async () => {
    const { url, tracing, collector } = await startTraced();
    for (const headers of [{}, { traceparent: `00-${TRACE}-00f067aa0ba902b7-00` }, { traceparent: 'nonsense' }]) {
      await (await fetch(`${url}/health`, { headers })).text();
    }
    await (await fetch(`${url}/health`, { headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` } })).text();
    await tracing.close();
    assert.deepEqual(
      collector.spans.map(({ traceId, parentSpanId, name }) => [traceId, parentSpanId, name]),
      [[TRACE, '00f067aa0ba902b7', 'GET /health']],
    );
  });
});
