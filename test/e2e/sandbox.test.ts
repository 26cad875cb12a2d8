// The sandbox as a newcomer meets it: the README's tour, and a comparison that finds exactly what was planted.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import { eventually } from '../helpers/deadline.ts';
import { startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { PLANTED } from '../sandbox/planted.ts';
import { plantedTour } from '../sandbox/planted-tour.ts';
import { dataFolder } from '../sandbox/postgres/postgres.ts';
import { TRADERS } from '../sandbox/seed/users.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CREATE = 'trade.order.create';
const READ_ROUTES = [
  'trade.order.get',
  'trade.orders.list',
  'positions.list',
  'market.ticker',
  'solana.safety',
  'solana.balance',
];
const run = promisify(execFile);

const limit = { symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.01', price: '60000' };
/** Orders that rest, that fill, and that are refused for each reason that the exchange publishes. */
const NEW_ORDERS: readonly object[] = [
  limit,
  { ...limit, side: 'SELL', price: '70000.5' },
  { ...limit, price: '66000' },
  { ...limit, side: 'SELL', price: '64000' },
  { ...limit, order_type: 'MARKET' },
  { ...limit, order_type: 'MARKET', side: 'SELL', symbol: 'ETHUSDT', quantity: 0.5 },
  { ...limit, price: '60000.123' },
  { ...limit, quantity: '0.0000001' },
  { ...limit, quantity: '0.000001', price: '1' },
  { ...limit, symbol: 'NONEUSDT' },
  { ...limit, quantity: 0 },
  { ...limit, side: 'HOLD' },
  { ...limit, price: undefined },
];

interface Comparisons {
  readonly dropped: Readonly<Record<string, number>>;
  readonly eligible: number;
  readonly pending: number;
  readonly coverage: number;
  readonly differences: readonly { path: string; kind: string; critical: boolean; rule?: string }[];
}

describe('the sandbox', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'banyan-tour-'));
  let sandbox: SpawnedServer;
  let environment: NodeJS.ProcessEnv;
  before(async () => {
    const args = ['test/sandbox/start.ts', '--data', dataDir, '--port-base', '0', '--traffic'];
    sandbox = await spawnServer({ args, readyMs: 60_000, stopMs: 30_000 });
    environment = {
      ...process.env,
      BANYAN_URL: `http://${sandbox.listening.operator}`,
      BANYAN_OPERATOR_TOKEN: readFileSync(join(dataDir, 'operator.token'), 'utf8'),
    };
    process.env.BANYAN_SHADOW_KEYS_FILE = join(dataDir, 'shadow.keys');
  });
  after(async () => {
    delete process.env.BANYAN_SHADOW_KEYS_FILE;
    await sandbox?.stop();
    rmSync(dataFolder(join(dataDir, 'postgres')), { recursive: true, force: true });
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** Runs a command of the README against this sandbox, whose ports are not the usual ones. */
  async function shell(line: string): Promise<string> {
    const command = line
      .replace('npx banyan', 'node bin/banyan.mjs')
      .replaceAll('127.0.0.1:8080', sandbox.listening.traffic ?? '');
    const { stdout } = await run('sh', ['-c', command], { cwd: ROOT, env: environment, timeout: 20_000 });
    return stdout;
  }

  async function takeTour(gatewayUrl: string): Promise<void> {
    for (const { method, path, headers } of plantedTour) {
      const response = await fetch(`${gatewayUrl}${path}`, { method, headers: { ...headers } });
      await response.arrayBuffer();
    }
  }

  /** One after the other: a market order changes what the account holds, which a dry run does not look at. */
  async function placeOrders(gateway: TestGateway): Promise<void> {
    for (const [i, order] of NEW_ORDERS.entries()) {
      const body = JSON.stringify({ user_id: TRADERS[0], ...order });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${gateway.url}/api/trade/order`, { method: 'POST', headers, body });
      await response.arrayBuffer();
      // The first copy is sent alone, and the others are to find it confirmed.
      await eventually(
        async () => {
          const { body: seen } = await gateway.api('GET', `/api/routes/${CREATE}/comparisons`);
          return seen.eligible === i + 1 && seen.pending === 0;
        },
        `order ${i + 1} to be compared`,
      );
    }
  }
  const READING = { staged: READ_ROUTES, tour: (gateway: TestGateway) => takeTour(gateway.url) };

  it("runs the README's tour as printed", async () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const tour = /```sh tour\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const commands = tour.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    assert.ok(commands.length >= 12, 'the tour is in the README');
    const outputs = new Map<string, string>();
    for (const command of commands) {
      // What half a minute of the steady client brings, at once.
      if (command === 'npx banyan diffs') await takeTour(`http://${sandbox.listening.traffic}`);
      outputs.set(command, await shell(command));
    }
    const output = (start: string) => [...outputs].find(([command]) => command.startsWith(start))?.[1] ?? '';
    assert.match(output('npx banyan routes'), /^trade\.order\.get +legacy /m);
    assert.match(output('npx banyan stage trade.order.get shadow'), /^trade\.order\.get: legacy -> shadow$/m);
    assert.match(
      output('npx banyan diffs'),
      /^trade\.orders\.list +\$\.orders\[\?order_id\]\.fee +changed +\d+ .* critical$/m,
    );
    assert.match(
      output('npx banyan diffs trade.order.get --all'),
      /\$\.server_time +changed .* ignored by \$\.server_time$/m,
    );
    assert.match(output('npx banyan route trade.order.get'), /^trade\.order\.get {2}canary/);
    assert.match(output('curl'), /^x-banyan-side: new\r?$/m);
    assert.match(output('npx banyan rollback trade.order.get --reason'), /legacy serves every request from now on/);
    assert.match(output('npx banyan rollback trade.order.get --lift'), /the override is lifted; back to live/);
    assert.match(output('npx banyan audit'), /ops +cli +lift +trade\.order\.get +it was legacy that rounded wrongly/);
    assert.match(output('npx banyan status'), /^sandbox: ready$/m);
  });

  describe('compared by a gateway of its own', () => {
    /** The differences of the planted tour, by a gateway in shadow between the sandbox's two sides. */
    async function differencesFound(
      change: (route: GatewayConfig['routes'][number]) => object,
      { staged, tour }: { staged: readonly string[]; tour: (gateway: TestGateway) => Promise<void> } = READING,
    ) {
      const { routes } = parse(readFileSync(join(ROOT, 'config/sandbox.yaml'), 'utf8')) as Pick<
        GatewayConfig,
        'routes'
      >;
      const gateway: TestGateway = await startTestGateway({
        legacy: `http://${sandbox.listening.legacy}`,
        new: `http://${sandbox.listening.new}`,
        routes: routes.map((route) => ({
          ...change(route),
          initialStage: staged.includes(route.id) ? 'shadow' : 'legacy',
        })),
        overrides: {
          log: { level: 'warn' },
          mirror: { compareCpuPercent: 100, backoff: false }, // What is found must not depend on how busy the machine is.
          shadowKeysEnv: 'BANYAN_SHADOW_KEYS',
          upstreams: {
            legacy: { url: `http://${sandbox.listening.legacy}` },
            new: { url: `http://${sandbox.listening.new}`, verifiesShadow: true },
          },
        },
      });
      try {
        await tour(gateway);
        const found = new Map<string, Comparisons>();
        for (const id of staged) {
          const comparisons = await eventually(async () => {
            const { body } = await gateway.api('GET', `/api/routes/${id}/comparisons`);
            return body.pending === 0 && (body as Comparisons);
          }, `${id} to be compared`);
          found.set(id, comparisons);
        }
        return found;
      } finally {
        await gateway.close();
      }
    }
    const names = (found: Map<string, Comparisons>) =>
      [...found].flatMap(([id, { differences }]) =>
        differences.filter(({ rule }) => rule === undefined).map(({ path, kind }) => `${id} ${path} ${kind}`),
      );

    it('with the shipped rules differs in what was planted and in nothing else', async () => {
      const found = await differencesFound((route) => route);
      assert.deepEqual(
        names(found).sort(),
        PLANTED.map(({ routeId, path, kind }) => `${routeId} ${path} ${kind}`).sort(),
      );
      const eligible = [...found.values()].reduce((total, comparisons) => total + comparisons.eligible, 0);
      assert.equal(eligible, plantedTour.length, 'every request of the tour was compared');
      for (const [id, { coverage }] of found) assert.equal(coverage, 1, id);
      for (const { routeId, path, critical } of PLANTED) {
        const difference = found.get(routeId)?.differences.find((each) => each.path === path);
        assert.equal(difference?.critical, critical, `${routeId} ${path}`);
      }
    });

    it('finds nothing in new orders, which it copies as dry runs, but the ids that each side makes', async () => {
      const found = await differencesFound((route) => route, { staged: [CREATE], tour: placeOrders });
      assert.deepEqual(names(found), []);
      const created = found.get(CREATE);
      assert.deepEqual(created?.dropped, {});
      assert.equal(created?.eligible, NEW_ORDERS.length);
      const ruled = created?.differences.map(({ path }) => path) ?? [];
      for (const path of ['$.order_id', '$.mexc_order_id', '$.code']) assert.ok(ruled.includes(path), path);
    });

    it("without rules shows a Python service's habits for what they are", async () => {
      const found = names(await differencesFound(({ compare: _, ...route }) => route));
      const habits = [
        'trade.order.get $.server_time changed',
        'trade.order.get $.created_at changed',
        'trade.order.get $.quantity type',
        'trade.order.get $.fee type',
        'positions.list $.positions[*].entry_price type',
        'positions.list $.positions[*].updated_at changed',
        'market.ticker $.price type',
        'market.ticker $.timestamp changed',
      ];
      for (const habit of habits) assert.ok(found.includes(habit), `${habit} is in\n${found.join('\n')}`);
    });
  });
});
