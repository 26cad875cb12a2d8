// The proof of mirrored writes: a gateway and a backend as processes, thousands of copies, and not one effect.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { Pool } from 'undici';
import { WINDOW_MS } from '../../backend/shadow/header.ts';
import { eventually } from '../helpers/deadline.ts';
import { type DynamoServer, startDynalite } from '../helpers/dynamo.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { type RedisServer, startRedis } from '../helpers/redis.ts';
import { OTHER_KEYS, SHADOW_KEYS, signed } from '../helpers/shadow.ts';
import { sendJson, startUpstream, type TestServer } from '../helpers/upstream.ts';
import { createExchangeSimulator, type ExchangeSimulator } from '../sandbox/exchange/server.ts';

const WRITES = 10_000;
/** Of them in one test, so that each ends in time on a busy machine. */
const BATCH = 2_000;
const AT_ONCE = 32;
/** For the copies that are behind when the last client has its answer; seconds on a quiet machine. */
const ANSWERED_MS = 120_000;
const REAL_ORDERS = 20;
const TOKEN = 'operator-token-of-the-proof';
const EXCHANGE_KEYS = { apiKey: 'mx0dryrun', secretKey: 'dry-run-secret' };
const TABLE = 'banyan';
const TARGET = '/api/trade/order';
const LIMIT = { user_id: 'u1', symbol: 'BTCUSDT', side: 'BUY', order_type: 'LIMIT', quantity: '0.01', price: '60000' };
const BODY = JSON.stringify(LIMIT);
const GENUINE = { method: 'POST', target: TARGET, body: BODY };

const ROUTES = [
  { id: 'trade.order.create', methods: ['POST'], path: TARGET },
  { id: 'trade.order.cancel', methods: ['DELETE', 'PATCH'], path: `${TARGET}/:user_id/:order_id` },
];

/** A request; POST of an order unless it says otherwise. */
interface Write {
  readonly method?: string;
  readonly target?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

describe('writes mirrored as dry runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-dry-run-'));
  let dynamo: DynamoServer;
  let exchange: ExchangeSimulator;
  let redis: RedisServer;
  let legacy: TestServer;
  let backend: SpawnedServer;
  let gateway: SpawnedServer;
  let client: DynamoDBClient;
  /** Orders that the backend really has, placed at it by a client of its own. */
  const realOrders: string[] = [];
  let atFirst: Awaited<ReturnType<typeof everything>>;

  before(async () => {
    [dynamo, exchange, redis, legacy] = await Promise.all([
      startDynalite(),
      createExchangeSimulator(EXCHANGE_KEYS),
      startRedis(),
      startUpstream((incoming, outgoing) => {
        incoming.resume();
        sendJson(outgoing, 201, { order_id: 'of-legacy', status: 'open', mexc_order_id: 'of-legacy' });
      }),
    ]);
    const keys = [SHADOW_KEYS[0], OTHER_KEYS[0]].map(({ id, secret }) => `${id}:${secret}`);
    const keysFile = join(folder, 'keys');
    writeFileSync(keysFile, keys.join('\n'), { mode: 0o600 });
    backend = await spawnServer({
      args: ['backend/main.ts'],
      env: {
        BACKEND_LISTEN: '127.0.0.1:0',
        DYNAMODB_ENDPOINT: dynamo.endpoint,
        DYNAMODB_TABLE: TABLE,
        EXCHANGE_URL: exchange.url,
        EXCHANGE_API_KEY: EXCHANGE_KEYS.apiKey,
        EXCHANGE_SECRET_KEY: EXCHANGE_KEYS.secretKey,
        REDIS_URL: redis.url,
        SHADOW_KEYS_FILE: keysFile,
        EXCHANGE_LIMIT_REQUESTS: '5000/1s',
        EXCHANGE_LIMIT_WEIGHT: '1000000/10s',
        LOG_LEVEL: 'error',
      },
    });
    const config = {
      version: 1,
      listen: '127.0.0.1:0',
      operator: { listen: '127.0.0.1:0', tokens: [{ name: 'ops', role: 'admin', tokenEnv: 'OPS_TOKEN' }] },
      upstreams: {
        legacy: { url: legacy.url },
        new: { url: `http://${backend.listening.http}`, verifiesShadow: true },
      },
      flags: { provider: 'file', file: join(folder, 'flags.json') },
      ledger: `sqlite:${join(folder, 'gateway.db')}`,
      identity: ['header:x-user-id'],
      shadowKeysEnv: 'SHADOW_KEYS',
      // Room for all of them: this is about what copies do, not about how many are let through.
      mirror: { queueMax: WRITES, queueBytesMax: 500_000_000, compareCpuPercent: 100, backoff: false },
      log: { level: 'warn' },
      routes: ROUTES.map(({ id, ...match }) => ({
        ...{ id, match },
        initialStage: 'shadow',
        mirror: { writes: 'dry-run', timeoutMs: 30_000 },
      })),
    };
    const configFile = join(folder, 'banyan.json');
    writeFileSync(configFile, JSON.stringify(config));
    gateway = await spawnServer({
      args: ['gateway/main.ts', '--config', configFile],
      env: { OPS_TOKEN: TOKEN, SHADOW_KEYS_FILE: keysFile },
    });
    client = new DynamoDBClient({
      endpoint: dynamo.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    });
    for (let i = 0; i < REAL_ORDERS; i++) {
      const answer = await send(backend.listening.http, { body: BODY });
      realOrders.push(String(answer.json.order_id));
    }
    atFirst = await everything();
  });
  after(async () => {
    await gateway?.stop();
    await backend?.stop();
    client?.destroy();
    await Promise.all([legacy?.close(), redis?.close(), exchange?.close(), dynamo?.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  async function send(address: string | undefined, { method = 'POST', target = TARGET, body, headers }: Write) {
    const all = { 'content-type': 'application/json', 'x-user-id': 'u1', ...headers };
    const response = await fetch(`http://${address}${target}`, { method, headers: all, body: body ?? null });
    const text = await response.text();
    const json: Record<string, unknown> = text.startsWith('{') ? JSON.parse(text) : {};
    return { status: response.status, json, confirmed: response.headers.get('x-dry-run') };
  }

  /** Everything that lasts: the table's items, and how many orders the exchange has taken. */
  async function everything() {
    const items: Record<string, AttributeValue>[] = [];
    let start: Record<string, AttributeValue> | undefined;
    do {
      const page = await client.send(new ScanCommand({ TableName: TABLE, ...(start && { ExclusiveStartKey: start }) }));
      items.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start);
    const byKey = items.map((item) => JSON.stringify(item)).sort();
    return { items: byKey, orders: exchange.orderCount() };
  }

  async function verifiedCount(): Promise<number> {
    const response = await fetch(`http://${backend.listening.http}/api/admin/metrics`);
    return Number(/^shadow_requests_total\{result="verified"\} (\d+)$/m.exec(await response.text())?.[1] ?? 0);
  }

  async function comparisons(id: string) {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(`http://${gateway.listening.operator}/api/routes/${id}/comparisons`, { headers });
    return (await response.json()) as { eligible: number; pending: number; dropped: object };
  }

  /** What both routes' comparisons say once `eligible` copies are answered, the last of them too. */
  function allAnswered(eligible: number) {
    return eventually(
      async () => {
        const all = await Promise.all(ROUTES.map(({ id }) => comparisons(id)));
        const begun = all.reduce((sum, each) => sum + each.eligible, 0);
        return begun === eligible && all.every(({ pending }) => pending === 0) && all;
      },
      `${eligible} copies to be answered`,
      ANSWERED_MS,
    );
  }

  /** Writes of every kind: orders that rest, that fill, that are refused; cancels of real orders and of none; an amend. */
  function write(i: number): Write {
    const real = `${TARGET}/u1/${realOrders[i % realOrders.length]}`;
    const order = (given: object) => ({ body: JSON.stringify({ ...LIMIT, ...given }) });
    switch (i % 8) {
      case 0:
        return { method: 'DELETE', target: real };
      case 1:
        return { method: 'PATCH', target: real, body: '{"price":"1"}' };
      case 2:
        return { method: 'DELETE', target: `${TARGET}/u1/none-${i}` };
      case 3:
        return order({ order_type: 'MARKET', side: i % 16 < 8 ? 'BUY' : 'SELL' });
      case 4:
        return order({ price: '70000' });
      case 5:
        return order({ quantity: '0.0000001' });
      default:
        return order({});
    }
  }

  it('the first of them goes alone, and is confirmed', async () => {
    assert.equal(atFirst.orders, REAL_ORDERS);
    // The orders, and the account of their user that holds what they can cost.
    const kinds = atFirst.items.map((item) => (JSON.parse(item) as { data_type: { S: string } }).data_type.S).sort();
    assert.deepEqual(kinds, ['ACCOUNT', ...Array.from({ length: REAL_ORDERS }, () => 'ORDER')]);
    assert.equal((await send(gateway.listening.traffic, write(0))).status, 201);
    await allAnswered(1);
    assert.equal(await verifiedCount(), 1);
  });

  for (let from = 1; from < WRITES; from += BATCH) {
    const to = Math.min(from + BATCH, WRITES);
    it(`up to number ${to}, then each was verified, and there is no order, no item and no change more than before`, async () => {
      const clients = new Pool(`http://${gateway.listening.traffic}`, { connections: AT_ONCE });
      let next = from;
      const worker = async () => {
        for (let i = next++; i < to; i = next++) {
          const { method = 'POST', target: path = TARGET, body = null } = write(i);
          const headers = { 'content-type': 'application/json', 'x-user-id': 'u1' };
          const answer = await clients.request({ method, path, body, headers });
          assert.equal(answer.statusCode, 201);
          await answer.body.dump();
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      await clients.close();
      const found = await allAnswered(to);
      assert.equal(legacy.seen, to);
      assert.deepEqual(
        found.map(({ dropped }) => dropped),
        [{}, {}],
      );
      assert.equal(await verifiedCount(), to);
      assert.deepEqual(await everything(), atFirst);
    });
  }

  it('signed by either key while keys change, then both are taken', async () => {
    const before = await everything();
    for (const keys of [SHADOW_KEYS, OTHER_KEYS]) {
      const headers = signed(GENUINE, { nowMs: Date.now(), keys });
      const answer = await send(backend.listening.http, { body: BODY, headers });
      assert.deepEqual([answer.status, answer.confirmed], [201, 'v1']);
    }
    assert.deepEqual(await everything(), before);
  });

  it('wrong in any way, then 403 over real connections too, and nothing is done', async () => {
    const before = await everything();
    const nowMs = Date.now();
    const header = () => signed(GENUINE, { nowMs })['x-banyan-shadow'];
    const used = header();
    const sendWith = (value: string) =>
      send(backend.listening.http, { body: BODY, headers: { 'x-banyan-shadow': value } });
    assert.equal((await sendWith(used)).status, 201);
    const wrong: Record<string, string> = {
      replayed: used,
      forged: signed(GENUINE, { nowMs, keys: [{ ...OTHER_KEYS[0], id: 'k1' }] })['x-banyan-shadow'],
      expired: signed(GENUINE, { nowMs: nowMs - WINDOW_MS - 10_000 })['x-banyan-shadow'],
      'of another body': signed({ ...GENUINE, body: `${BODY} ` }, { nowMs })['x-banyan-shadow'],
      'of another target': signed({ ...GENUINE, target: `${TARGET}?x` }, { nowMs })['x-banyan-shadow'],
      'of another method': signed({ ...GENUINE, method: 'PUT' }, { nowMs })['x-banyan-shadow'],
      'of another route': header().replace('route=trade.order.create', 'route=trade.order.cancel'),
      truncated: header().slice(0, -1),
      empty: '',
    };
    for (const [name, value] of Object.entries(wrong)) {
      const answer = await sendWith(value);
      assert.deepEqual([answer.status, answer.json.code, answer.confirmed], [403, 'shadow_refused', null], name);
    }
    const twice = await connectRaw(Number(backend.listening.http?.split(':').at(-1)));
    const fields = `Content-Length: ${BODY.length}\r\nX-Banyan-Shadow: ${header()}\r\nx-banyan-shadow: ${header()}`;
    twice.send(`POST ${TARGET} HTTP/1.1\r\nHost: h\r\n${fields}\r\n\r\n${BODY}`);
    assert.match(await twice.until('shadow_refused'), /^HTTP\/1\.1 403 /);
    twice.socket.destroy();
    assert.deepEqual(await everything(), before);
  });

  it('whose target has a spelling that a router would normalise, then it is verified as it was sent', async () => {
    const target = "/api/trade/../trade/order/%75%31/none?a='b'&c=%2F";
    const port = Number(backend.listening.http?.split(':').at(-1));
    const header = signed({ method: 'DELETE', target }, { nowMs: Date.now() })['x-banyan-shadow'];
    const raw = await connectRaw(port);
    raw.send(`DELETE ${target} HTTP/1.1\r\nHost: h\r\nx-banyan-shadow: ${header}\r\n\r\n`);
    assert.match(await raw.until('order_not_found'), /^HTTP\/1\.1 404 [\s\S]*x-dry-run: v1/i);
    raw.socket.destroy();
  });
});
