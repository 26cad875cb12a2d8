// Writes that the new side has accepted and legacy lacks: counted, kept, shown before a rollback, acknowledged.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runCli } from '../../../gateway/cli/program.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { OPERATOR_TOKEN, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { startRedis } from '../../helpers/redis.ts';
import { startUpstream, type TestServer } from '../../helpers/upstream.ts';
import { startWorkers } from '../cluster/start-workers.ts';

const kept = closingAfterEach();
const ROUTES = [
  { id: 'orders.create', match: { methods: ['POST'], path: '/orders' }, writes: { key: ['$.order_id'] } },
  { id: 'orders.one', match: { methods: ['*'], path: '/orders/:id' } },
  { id: 'quote', match: { methods: ['POST'], path: '/quote' }, writes: { count: false } },
];

/** Answers what the path wants: a status, an order's id. */
function answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const status = Number(/status=(\d+)/.exec(incoming.url ?? '')?.[1] ?? 200);
  const body = JSON.stringify({ order_id: `o-${/n=(\d+)/.exec(incoming.url ?? '')?.[1] ?? 0}` });
  const isPacked = /packed/.test(incoming.url ?? '');
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    ...(isPacked ? { 'content-encoding': 'gzip' } : {}),
  });
  outgoing.end(isPacked ? gzipSync(body) : body);
}

describe('the writes that legacy lacks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-writes-'));
  const tokenFile = join(folder, 'token');
  let upstream: TestServer;
  before(async () => {
    writeFileSync(tokenFile, OPERATOR_TOKEN);
    upstream = await startUpstream(answer);
  });
  after(async () => {
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (options: { folder?: string; overrides?: object } = {}) =>
    startTestGateway({ legacy: upstream.url, new: upstream.url, routes: ROUTES, ...options });
  const stage = async (gateway: TestGateway, id: string, to: object) => {
    const moved = await gateway.api('PUT', `/api/routes/${id}/stage`, { ...to, reason: 'test' }, { 'if-match': '*' });
    assert.equal(moved.status, 200);
  };
  const send = async (gateway: TestGateway, method: string, path: string) =>
    void (await (await fetch(`${gateway.url}${path}`, { method })).arrayBuffer());
  const lacked = async (gateway: TestGateway, id: string) =>
    (await gateway.api('GET', `/api/routes/${id}/writes`)).body;
  const counted = (gateway: TestGateway, id: string, count: number) =>
    eventually(async () => {
      const writes = await lacked(gateway, id);
      return writes.count === count && writes;
    }, `${count} writes of ${id}`);
  async function banyan(
    gateway: TestGateway,
    args: readonly string[],
    confirm?: (question: string) => Promise<boolean>,
  ) {
    const out: string[] = [];
    const err: string[] = [];
    const output = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text) };
    const all = ['--url', gateway.operatorUrl, '--token-file', tokenFile, ...args];
    const code = await runCli(all, confirm ? { ...output, confirm } : output);
    return { code, out: out.join('\n'), err: err.join('\n') };
  }

  it('are those that new has answered with 2xx, and no others', async () => {
    const gateway = await kept(start());
    await send(gateway, 'POST', '/orders?n=1');
    for (const { id } of ROUTES) await stage(gateway, id, { stage: 'live' });
    for (const [method, path] of [
      ['POST', '/orders?n=2'],
      ['POST', '/orders?n=3&packed'],
      ['POST', '/orders?n=4&status=201'],
      ['POST', '/orders?n=5&status=400'],
      ['POST', '/orders?n=6&status=503'],
      ['POST', '/orders?n=7&status=302'],
      ['GET', '/orders/8'],
      ['DELETE', '/orders/9'],
      ['POST', '/quote?n=10'],
    ] as const) {
      await send(gateway, method, path);
    }
    const { keys, since, upTo } = await counted(gateway, 'orders.create', 3);
    assert.deepEqual(keys.map(({ key }: { key: string }) => key).sort(), [
      'order_id=o-2',
      'order_id=o-3',
      'order_id=o-4',
    ]);
    assert.deepEqual([since, upTo], [keys[0].at, 3]);
    assert.deepEqual((await counted(gateway, 'orders.one', 1)).keys[0].key, 'id=9');
    assert.equal((await lacked(gateway, 'quote')).count, 0);
    const detail = (await gateway.api('GET', '/api/routes/orders.create')).body;
    assert.deepEqual(detail.writesLegacyLacks, await lacked(gateway, 'orders.create'));
    assert.match(
      (await banyan(gateway, ['route', 'orders.create'])).out,
      /legacy lacks +3 writes that new has accepted, since 2/,
    );
    const shown = await banyan(gateway, ['writes', 'orders.create']);
    assert.match(shown.out, /^orders\.create: legacy lacks 3 writes .*\nN +AT +KEY\n1 +\S+ +order_id=o-/);
  });

  it('survive a restart, and are on the answer, in the audit log and on the metrics of a rollback', async () => {
    const state = mkdtempSync(join(folder, 'state-'));
    const first = await start({ folder: state });
    await stage(first, 'orders.one', { stage: 'live' });
    for (let i = 0; i < 3; i++) await send(first, 'PUT', `/orders/${i}`);
    await first.close();
    const gateway = await kept(start({ folder: state }));
    await counted(gateway, 'orders.one', 3);
    await send(gateway, 'PUT', '/orders/3');
    await counted(gateway, 'orders.one', 4);
    const { body } = await gateway.api('POST', '/api/routes/orders.one/rollback', { reason: 'fire' });
    assert.deepEqual([body.writesLegacyLacks.count, body.writesLegacyLacks.keys.at(-1).key], [4, 'id=3']);
    const all = await gateway.api('POST', '/api/rollback', { reason: 'fire' });
    assert.deepEqual(all.body.writesLegacyLacks, { count: 4, routes: { 'orders.one': 4 } });
    const { entries } = (await gateway.api('GET', '/api/audit?limit=2')).body;
    assert.deepEqual(entries[0].evidence, { writesLegacyLacks: all.body.writesLegacyLacks });
    assert.equal(entries[1].evidence.writesLegacyLacks.count, 4);
    const scraped = async () =>
      /banyan_writes_legacy_lacks\{route="orders\.one"\} 4/.test(
        await (await fetch(`${gateway.operatorUrl}/metrics`)).text(),
      );
    await eventually(scraped, 'the metric');
  });

  it('are acknowledged up to what somebody has seen, with a trace of who did it', async () => {
    const gateway = await kept(start());
    await stage(gateway, 'orders.one', { stage: 'canary', percent: 99 });
    await stage(gateway, 'orders.one', { stage: 'live' });
    for (let i = 0; i < 5; i++) await send(gateway, 'PUT', `/orders/${i}`);
    await counted(gateway, 'orders.one', 5);
    const acknowledge = (upTo: number) =>
      gateway.api('POST', '/api/routes/orders.one/writes/acknowledge', { upTo, reason: 'copied by hand' });
    assert.equal((await acknowledge(6)).body.detail, 'orders.one has had 5 writes; "upTo" cannot be 6');
    const { body } = await acknowledge(3);
    assert.deepEqual([body.count, body.keys.map(({ n }: { n: number }) => n)], [2, [4, 5]]);
    const [entry] = (await gateway.api('GET', '/api/audit?limit=1')).body.entries;
    assert.deepEqual(
      [entry.action, entry.reason, entry.before, entry.after],
      ['acknowledge_writes', 'copied by hand', { count: 5 }, { count: 2, upTo: 3 }],
    );
    assert.equal((await banyan(gateway, ['writes', 'orders.one', '--acknowledge'])).code, 2);
    const rest = await banyan(gateway, ['writes', 'orders.one', '--acknowledge', '--reason', 'the rest']);
    assert.equal(rest.out, 'orders.one: 2 writes are on legacy too; it lacks 0');
    assert.equal((await banyan(gateway, ['writes', 'orders.one'])).out, 'orders.one: legacy lacks no write');
    assert.equal((await lacked(gateway, 'orders.one')).since, null);
  });

  it('are shown before a rollback to a person at a terminal, who says yes with one key; nobody else is asked', async () => {
    const gateway = await kept(start());
    const questions: string[] = [];
    const says = (yes: boolean) => async (question: string) => {
      questions.push(question);
      return yes;
    };
    const rollback = ['rollback', 'orders.one', '--reason', 'x'];
    assert.equal((await banyan(gateway, rollback, says(false))).code, 0, 'nothing to lose, nothing to ask');
    await banyan(gateway, [...rollback, '--lift']);
    await stage(gateway, 'orders.one', { stage: 'live' });
    await send(gateway, 'PUT', '/orders/7');
    await counted(gateway, 'orders.one', 1);
    const refused = await banyan(gateway, rollback, says(false));
    assert.deepEqual([refused.code, refused.err], [1, 'error: nothing was rolled back']);
    assert.match(
      questions.join(),
      /^legacy lacks 1 writes that new has accepted, since \S+; the latest:\n {2}\S+ {2}id=7\nRoll back\?$/,
    );
    assert.equal((await gateway.api('GET', '/api/routes/orders.one')).body.override, null);
    for (const [args, confirm] of [
      [rollback, says(true)],
      [[...rollback, '--yes'], says(false)],
      [rollback, undefined],
    ] as const) {
      const { code, err } = await banyan(gateway, args, confirm);
      assert.deepEqual(
        [code, err],
        [0, 'note: legacy lacks 1 writes that new has accepted; banyan writes ID lists them'],
      );
    }
    assert.equal(questions.length, 2);
    const all = await banyan(gateway, ['rollback', '--all', '--reason', 'x'], says(true));
    assert.equal(all.code, 0);
    assert.match(questions.at(-1) ?? '', /^ {2}orders\.one: legacy lacks 1 writes/);
  });

  it('add up over gateways that share a Redis, and one acknowledges for all', async () => {
    const redis = await kept(startRedis());
    const open = async () => {
      const gateway = await kept(start({ overrides: { ledger: redis.url } }));
      await stage(gateway, 'orders.one', { stage: 'live' });
      return gateway;
    };
    const gateways = [await open(), await open()] as const;
    for (const [i, gateway] of gateways.entries()) await send(gateway, 'PUT', `/orders/${i}`);
    for (const gateway of gateways) await counted(gateway, 'orders.one', 2);
    await banyan(gateways[0], ['writes', 'orders.one', '--acknowledge', '--reason', 'x']);
    await counted(gateways[1], 'orders.one', 0);
  });

  it('add up over workers', async () => {
    const gateway = await kept(
      startWorkers({
        sides: { legacy: upstream, new: upstream },
        workers: 2,
        routes: ROUTES.map((route) => ({ ...route, initialStage: 'live' })),
      }),
    );
    for (let i = 0; i < 20; i++) await (await fetch(`${gateway.url}/orders/${i}`, { method: 'PUT' })).arrayBuffer();
    const count = async () => (await gateway.api('GET', '/api/routes/orders.one')).body.writesLegacyLacks.count;
    await eventually(async () => (await count()) === 20, 'twenty writes');
    const metric = () => gateway.metric('banyan_writes_legacy_lacks', 'route="orders.one"');
    await eventually(async () => (await metric()) === 20, 'the metric');
  });
});
