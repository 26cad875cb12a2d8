// The promise of the pulse: tokens are launched, sold out and migrate, while the Geyser server and the backend are killed and
// started over; a client of event streams behind the gateway has every token of each category, in order, each once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createRedisBus } from '../../backend/bus/redis.ts';
import { CATEGORIES } from '../../backend/solana/pulse/categories.ts';
import type { Closable } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { startDynalite } from '../helpers/dynamo.ts';
import { followEvents } from '../helpers/event-source.ts';
import { freePort } from '../helpers/free-port.ts';
import { startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { startRedis } from '../helpers/redis.ts';
import { createExchangeSimulator } from '../sandbox/exchange/server.ts';
import { createSandboxChain, GENESIS_SLOT, GRADUATES_EACH, LAUNCH_EVERY_SLOTS } from '../sandbox/geyser/pump-chain.ts';
import { createLegacyNews } from '../sandbox/legacy/news.ts';

const SLOT_MS = 40;
const SEED = 7;
const KEYS = { apiKey: 'mx0pulse', secretKey: 'pulse-secret' };
const GEYSER_TOKEN = 'geyser-token';
/** How long after its launch a token comes into each category, and how many of those launched do. */
const EXPECTED = {
  new_pairs: { age: 0n, each: 1n },
  final_stretch: { age: 36n, each: GRADUATES_EACH },
  migrated: { age: 44n, each: GRADUATES_EACH },
} as const;
type Message = {
  readonly type: string;
  readonly id?: string;
  readonly timestamp: unknown;
  readonly data: { readonly token_address: string; readonly slot: number };
};

/** An event stream that comes back whenever it ends, and reads on from where it was. */
function followPulse(url: string, category: string) {
  const messages: Message[] = [];
  let isLeaving = false;
  let lastId: string | undefined;
  let close = () => {};
  async function run(): Promise<void> {
    while (!isLeaving) {
      try {
        const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId };
        const source = await followEvents(`${url}/api/sse/pulse?category=${category}`, headers);
        close = source.close;
        const take = () => {
          for (const { data } of source.events.slice(taken)) messages.push(data);
          taken = source.events.length;
          lastId = messages.findLast(({ id }) => id !== undefined)?.id ?? lastId;
        };
        let taken = 0;
        const polling = setInterval(take, 5);
        await source.ended;
        clearInterval(polling);
        take();
      } catch {
        // Nobody is there at the moment.
      }
      await delay(20);
    }
  }
  void run();
  const news = () => messages.filter(({ id }) => id !== undefined);
  return {
    messages,
    news,
    close() {
      isLeaving = true;
      close();
    },
  };
}

describe('the pulse, from the chain to a client of the gateway', () => {
  const opened: Closable[] = [];
  let gateway: TestGateway;
  let geyser: SpawnedServer;
  let backend: SpawnedServer;
  let startGeyser: () => Promise<SpawnedServer>;
  let startBackend: () => Promise<SpawnedServer>;

  async function legacySide(redisUrl: string): Promise<string> {
    const news = createLegacyNews(createRedisBus(redisUrl, { onDrop() {}, raised() {} }));
    const server = createServer(
      (incoming, outgoing) => news.handle(incoming, outgoing) || outgoing.writeHead(404).end(),
    );
    opened.push({
      async close() {
        server.close();
        await news.close();
        server.closeAllConnections();
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  before(async () => {
    const [redis, dynamo, exchange] = await Promise.all([startRedis(), startDynalite(), createExchangeSimulator(KEYS)]);
    opened.push(redis, dynamo, exchange);
    const [geyserPort, backendPort] = [await freePort(), await freePort()];
    startGeyser = () =>
      spawnServer({
        args: ['test/sandbox/geyser/main.ts'],
        env: {
          GEYSER_LISTEN: `127.0.0.1:${geyserPort}`,
          GEYSER_TOKEN,
          GEYSER_SEED: String(SEED),
          GEYSER_SLOT_MS: String(SLOT_MS),
          GEYSER_FAULTS: 'true',
        },
      });
    startBackend = () =>
      spawnServer({
        args: ['backend/main.ts'],
        env: {
          BACKEND_LISTEN: `127.0.0.1:${backendPort}`,
          DYNAMODB_ENDPOINT: dynamo.endpoint,
          EXCHANGE_URL: exchange.url,
          EXCHANGE_API_KEY: KEYS.apiKey,
          EXCHANGE_SECRET_KEY: KEYS.secretKey,
          REDIS_URL: redis.url,
          GEYSER_URLS: `http://127.0.0.1:${geyserPort}`,
          GEYSER_TOKENS: GEYSER_TOKEN,
        },
      });
    [geyser, backend] = await Promise.all([startGeyser(), startBackend()]);
    gateway = await startTestGateway({
      legacy: await legacySide(redis.url),
      new: `http://127.0.0.1:${backendPort}`,
      routes: [
        {
          id: 'stream.pulse',
          match: { methods: ['GET'], path: '/api/sse/pulse' },
          streams: { onFlip: 'drain', drainMs: 1000, jitterMs: 50 },
        },
      ],
      overrides: { log: { level: 'warn' } },
    });
    await stage('complete');
  });
  after(async () => {
    await gateway.close();
    await Promise.all([geyser.stop(), backend.stop()]);
    for (const each of opened.reverse()) await each.close();
  });

  async function stage(to: string): Promise<void> {
    const body = { stage: to, reason: 'a flip' };
    const answer = await gateway.api('PUT', '/api/routes/stream.pulse/stage', body, { 'if-match': '*' });
    assert.equal(answer.status, 200);
  }

  it('a launch, a sold-out curve and a migration are each there once, whoever was killed meanwhile', async () => {
    const { token } = createSandboxChain({ seed: SEED, slotMs: SLOT_MS });
    const clients = CATEGORIES.map((category) => ({ category, ...followPulse(gateway.url, category) }));
    const migrations = () => clients.at(-1)?.news().length ?? 0;
    const more = async (count: number, label: string) => {
      const before = migrations();
      await eventually(() => migrations() >= before + count, `${count} more migrations ${label}`, 30_000);
    };
    try {
      await more(2, 'at first');
      geyser.kill('SIGKILL');
      await geyser.exited;
      await delay(10 * SLOT_MS); // The chain goes on.
      geyser = await startGeyser();
      await more(2, 'after the Geyser server came back');
      backend.kill('SIGKILL');
      await backend.exited;
      await delay(10 * SLOT_MS);
      backend = await startBackend();
      await more(2, 'after the backend came back');
      assert.deepEqual(await backend.stop(), { code: 0, signal: null });
      backend = await startBackend();
      await more(2, 'after the backend was replaced');
      await stage('legacy');
      await more(2, 'on the legacy side');
    } finally {
      for (const client of clients) client.close();
    }
    for (const { category, messages, news } of clients) {
      const { age, each } = EXPECTED[category];
      const mints = news().map(({ data }) => data.token_address);
      assert.equal(new Set(mints).size, mints.length, `${category}: each once`);
      const told = news().map(({ data }) => (BigInt(data.slot) - age - GENESIS_SLOT) / LAUNCH_EVERY_SLOTS);
      assert.deepEqual(
        mints,
        told.map((number) => token(number).mint),
      );
      const [first = 0n] = told;
      assert.deepEqual(
        told,
        told.map((_, i) => first + BigInt(i) * each),
        category,
      );
      assert.ok(
        messages.every(({ type }) => type === 'connected' || type === 'pulse_update'),
        category,
      );
    }
    const spellings = new Set(
      clients
        .at(-1)
        ?.news()
        .map(({ timestamp }) => typeof timestamp),
    );
    assert.deepEqual(spellings, new Set(['number', 'string']));
    assert.doesNotMatch(backend.stderr(), new RegExp(GEYSER_TOKEN));
  });
});
