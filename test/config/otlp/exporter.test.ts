import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createExporter, QUEUE_MAX } from '../../../config/otlp/exporter.ts';
import type { Span } from '../../../config/otlp/span.ts';
import { createMetrics } from '../../../gateway/metrics.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { type Collector, startCollector } from '../../helpers/collector.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { freePort } from '../../helpers/free-port.ts';

const kept = closingAfterEach();

const aSpan = (name = 'GET /x'): Span => ({
  ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentId: undefined, link: undefined },
  ...{ kind: 'server', name, startedAt: 10, endedAt: 12.5, isError: false },
  attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200, absent: undefined },
});

function anExporter(endpoint: string, timing = { intervalMs: 10, retryMs: 20, flushTimeoutMs: 200 }) {
  const metrics = createMetrics();
  const said: string[] = [];
  const log = {
    warn: (_: object, text: string) => said.push(text),
    info: (_: object, text: string) => said.push(text),
  };
  const exporter = createExporter({ endpoint, resource: { 'service.name': 'test' }, metrics, log, timing });
  const sum = async (name: string) => {
    const [line = ''] = (await metrics.registry.metrics()).split('\n').filter((each) => each.startsWith(name));
    return Number(line.slice(line.lastIndexOf(' ') + 1));
  };
  return {
    exporter,
    said,
    exported: () => sum('banyan_spans_exported_total'),
    dropped: (reason: string) => sum(`banyan_spans_dropped_total{reason="${reason}"}`),
    failures: () => sum('banyan_span_export_failures_total'),
  };
}

const add = (exporter: { add(span: Span): void }, count: number) => {
  for (let i = 0; i < count; i++) exporter.add(aSpan(`span ${i}`));
};
const namesOf = ({ spans }: Collector) => spans.map(({ name }) => name);

describe('the exporter of spans', () => {
  it('sends spans together, in order, and none twice', async () => {
    const collector = await kept(startCollector());
    const { exporter, exported } = anExporter(collector.url);
    add(exporter, 600);
    await eventually(() => collector.spans.length === 600, 'all spans');
    assert.deepEqual(
      namesOf(collector),
      Array.from({ length: 600 }, (_, i) => `span ${i}`),
    );
    assert.equal(collector.seen, 3);
    assert.deepEqual(collector.problems, []);
    await exporter.close();
    assert.deepEqual([collector.seen, await exported()], [3, 600]);
  });

  it('spells a span as OTLP demands', async () => {
    const collector = await kept(startCollector());
    const { exporter } = anExporter(`${collector.url}/`);
    exporter.add(aSpan());
    await exporter.close();
    const [span] = collector.spans;
    assert.ok(span);
    const tookNanos = span.endTimeUnixNano - span.startTimeUnixNano;
    const begunMs = Number(span.startTimeUnixNano / 1_000_000n);
    assert.deepEqual([tookNanos, span.kind, span.parentSpanId], [2_500_000n, 'server', undefined]);
    assert.ok(Math.abs(begunMs - (performance.timeOrigin + 10)) < 1_000, `${begunMs}`);
    assert.deepEqual(span.attributes, { 'http.request.method': 'GET', 'http.response.status_code': 200 });
    assert.deepEqual(collector.resources, [{ 'service.name': 'test' }]);
  });

  it('with a collector that is not there keeps what fits, says so once, and catches up when it comes', async () => {
    const port = await freePort();
    const { exporter, said, dropped, failures, exported } = anExporter(`http://127.0.0.1:${port}`);
    add(exporter, QUEUE_MAX + 7);
    await eventually(async () => (await failures()) >= 3, 'some attempts');
    assert.equal(await dropped('queue'), 7);
    assert.deepEqual(said, ['spans cannot be exported; requests are not affected']);
    const collector = await kept(startCollector(undefined, port));
    await eventually(() => collector.spans.length === QUEUE_MAX, 'the spans that were kept');
    await eventually(async () => (await exported()) === QUEUE_MAX, 'their count');
    assert.deepEqual(said.slice(1), ['spans are exported again']);
    await exporter.close();
  });

  it('drops and counts what the collector refuses, whole or in part', async () => {
    let status = 400;
    const collector = await kept(
      startCollector(() => ({ status, body: status === 200 ? { partialSuccess: { rejectedSpans: '2' } } : {} })),
    );
    const { exporter, dropped, exported, failures } = anExporter(collector.url);
    add(exporter, 5);
    await eventually(async () => (await dropped('refused')) === 5, 'the refused spans');
    status = 200;
    add(exporter, 5);
    await eventually(async () => (await exported()) === 3, 'the taken spans');
    assert.deepEqual([await dropped('refused'), await failures()], [7, 1]);
    await exporter.close();
  });

  it('tries again what a busy collector has not taken', async () => {
    let isBusy = true;
    const collector = await kept(startCollector(() => ({ status: isBusy ? 503 : 200, body: {} })));
    const { exporter, failures } = anExporter(collector.url);
    add(exporter, 3);
    await eventually(async () => (await failures()) >= 2, 'two attempts');
    isBusy = false;
    await eventually(() => collector.spans.length === 3, 'the spans');
    await exporter.close();
  });

  it('closing exports what waits, and gives up a collector that hangs', async () => {
    const collector = await kept(startCollector());
    const idle = { intervalMs: 3_600_000, retryMs: 3_600_000, flushTimeoutMs: 10_000 };
    const last = anExporter(collector.url, idle);
    add(last.exporter, 300);
    await last.exporter.close();
    assert.equal(collector.spans.length, 300);
    const hanging = await kept(startCollector(() => undefined));
    const { exporter, dropped } = anExporter(hanging.url);
    add(exporter, 4);
    await eventually(() => hanging.seen === 1, 'an export under way');
    await within(exporter.close(), 'the exporter to close', 5_000);
    assert.equal(await dropped('stopped'), 4);
  });
});
