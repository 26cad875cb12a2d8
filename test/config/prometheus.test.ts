// Rules, alerts and dashboards ask for what the processes really expose, and say where to read on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { DASHBOARDS } from '../../config/grafana/dashboards.ts';
import { FLIPS_QUERY, renderDashboard } from '../../config/grafana/panels.ts';
import { closingAfterEach } from '../helpers/closing.ts';
import { exposedMetrics, metricsIn, type Named, typesIn } from '../helpers/exposition.ts';
import { startTestGateway } from '../helpers/gateway.ts';

const kept = closingAfterEach();
const ROOT = join(import.meta.dirname, '..', '..');
const FOLDER = join(ROOT, 'config/prometheus');

const ruleFile = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          record: z.string().optional(),
          alert: z.string().optional(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(['warning', 'critical']) }).optional(),
          annotations: z.object({ summary: z.string(), description: z.string(), runbook: z.string() }).optional(),
        }),
      ),
    }),
  ),
});

const read = (name: string) =>
  ruleFile.parse(parse(readFileSync(join(FOLDER, name), 'utf8'))).groups.flatMap((g) => g.rules);
const rules = read('rules.yml');
const alerts = read('alerts.yml');
const exposed = await exposedMetrics();
/** A recorded name has the labels that it begins with, unless there are none. */
const recorded = new Map(
  rules.map(({ record = '' }) => {
    const [level = ''] = record.split(':');
    return [record, level === 'route' ? ['route'] : level === 'route_side' ? ['route', 'side'] : []];
  }),
);

function unknownIn(named: readonly Named[]): string[] {
  return named.flatMap(({ name, labels }) => {
    const known = exposed.get(name)?.labels ?? recorded.get(name);
    if (!known) return [`no metric ${name}`];
    const has = new Set(known);
    return labels.filter((label) => !has.has(label)).map((label) => `${name} has no label ${label}`);
  });
}

describe('reading a query', () => {
  it('finds the metrics and the labels that they are selected by, and nothing else', () => {
    const expr =
      'sum by (route, le) (rate(a_total{code="5xx", side=~"x|y"}[5m])) / (b:c:d > 0) unless e offset 5m > time()';
    assert.deepEqual(metricsIn(expr), [
      { name: 'a_total', labels: ['code', 'side'] },
      { name: 'b:c:d', labels: [] },
      { name: 'e', labels: [] },
    ]);
  });

  it('tells a metric that is not exposed, and a label that it has not', () => {
    assert.deepEqual(unknownIn(metricsIn('rate(banyan_requests_total{backend="new"}[5m]) + banyan_nothing')), [
      'banyan_requests_total has no label backend',
      'no metric banyan_nothing',
    ]);
  });
});

describe('what a gateway that runs exposes', () => {
  it('is what rules are checked against', async () => {
    const gateway = await kept(startTestGateway({ legacy: 'http://127.0.0.1:1', new: 'http://127.0.0.1:1' }));
    const { body } = await gateway.api('GET', '/metrics');
    const names = [...typesIn(String(body))].map(([name, type]) => (type === 'histogram' ? `${name}_sum` : name));
    assert.ok(names.length > 50, `${names.length} metrics`);
    assert.deepEqual(
      names.filter((name) => !exposed.has(name)),
      [],
    );
  });
});

describe('recording rules and alerts', () => {
  it('ask for metrics and labels that there are', () => {
    assert.ok(rules.length > 5 && alerts.length > 15);
    assert.deepEqual(
      [...rules, ...alerts].flatMap(({ expr }) => unknownIn(metricsIn(expr))),
      [],
    );
  });

  it('have a severity, words, and a runbook that is a heading of a document', () => {
    const anchors = new Map<string, Set<string>>();
    const anchorsOf = (file: string) => {
      const known = anchors.get(file) ?? new Set(headingsOf(readFileSync(join(ROOT, file), 'utf8')));
      anchors.set(file, known);
      return known;
    };
    const wrong = alerts.filter(({ labels, annotations }) => {
      const [file = '', anchor = ''] = annotations?.runbook.split('#') ?? [];
      return !labels || !anchorsOf(file).has(anchor);
    });
    assert.deepEqual(
      wrong.map(({ alert }) => alert),
      [],
    );
  });

  it('pass promtool, and fire as their tests say', { skip: lacks('promtool') }, () => {
    for (const args of [
      ['check', 'config', 'prometheus.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: FOLDER, encoding: 'utf8' });
      assert.equal(status, 0, `promtool ${args.join(' ')}\n${stdout}${stderr}`);
    }
  });
});

describe('the dashboards', () => {
  it('are in the files that Grafana reads; npm run dashboards writes them', () => {
    const folder = join(ROOT, 'config/grafana/dashboards');
    assert.deepEqual(readdirSync(folder).sort(), DASHBOARDS.map(({ uid }) => `${uid}.json`).sort());
    for (const dashboard of DASHBOARDS) {
      assert.equal(
        readFileSync(join(folder, `${dashboard.uid}.json`), 'utf8'),
        renderDashboard(dashboard),
        dashboard.uid,
      );
    }
  });

  it('ask for metrics and labels that there are, a choice of routes and flips too', () => {
    const queries = DASHBOARDS.flatMap(({ panels, routesOf }) => [
      ...panels.flatMap((panel) => panel.queries.map(({ expr }) => expr)),
      ...(routesOf === undefined ? [] : [`${routesOf}{route=""}`]),
    ]);
    assert.ok(queries.length > 60, `${queries.length} queries`);
    assert.deepEqual(
      [...queries, FLIPS_QUERY].flatMap((expr) => unknownIn(metricsIn(expr))),
      [],
    );
  });

  it('are understood by Prometheus, query by query', { skip: lacks('promtool') }, () => {
    const exprs = DASHBOARDS.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr)));
    const record = (expr: string, index: number) => ({
      record: `q${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    });
    const folder = mkdtempSync(join(tmpdir(), 'banyan-queries-'));
    const file = join(folder, 'queries.json'); // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules: exprs.map(record) }] }));
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
});

/** Anchors as GitHub makes them. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

function lacks(command: string): string | false {
  return spawnSync(command, ['--version']).status === 0 ? false : `${command} is not installed`;
}
