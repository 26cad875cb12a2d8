// The sniper's promise under fire: two backends over one table, one Redis and one exchange; at each opening the one that holds the
// target's lease is killed with -9. The order lands within the window, exactly once.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { createDynamoStore } from '../../backend/store/dynamo.ts';
import type { TargetRecord } from '../../backend/store/sniper-items.ts';
import type { Store } from '../../backend/store/store.ts';
import { eventually } from '../helpers/deadline.ts';
import { startDynalite } from '../helpers/dynamo.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { startRedis } from '../helpers/redis.ts';
import { createExchangeSimulator, type ExchangeSimulator } from '../sandbox/exchange/server.ts';
import { createRandom, type Random } from '../sandbox/seed/random.ts';

const KEYS = { apiKey: 'mx0snipersoak', secretKey: 'sniper-secret' };
const TABLE = 'snipersoak';
const USER = 'sniper-soak';
/** From the announcement to the opening, and how late it may really open. */
const NOTICE_MS = 3000;
const SLIP_MOST_MS = 300;
const WINDOW_MS = 5000;
/** The kill comes this long before the announced opening at the earliest, and after it at the latest. */
const KILL_AROUND_MS = 150;

export type SniperSoakOptions = {
  readonly rounds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
};
export type SniperSoakResult = {
  readonly rounds: number;
  /** Rounds in which the one that was not killed had to go on. */
  readonly takenOver: number;
  /** From the announced opening to the fill as the target has it, ms, of each round. */
  readonly landedMs: readonly number[];
};

type World = { readonly simulator: ExchangeSimulator; readonly store: Store; readonly backends: SpawnedServer[] };

async function call(backend: SpawnedServer | undefined, path: string, body: object = {}): Promise<TargetRecord> {
  const answer = await fetch(`http://${backend?.listening.http}/api/sniper/targets${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `POST ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** One listing. Answers when it landed, and whether it was taken over. */
async function playRound({ simulator, store, backends }: World, round: number, random: Random) {
  const symbol = `S${String(round).padStart(4, '0')}USDT`;
  const startedMs = Date.now();
  const openMs = startedMs + NOTICE_MS;
  simulator.list({
    ...{ symbol, projectName: `Soak ${round}`, price: '0.5', pricePlaces: 4, quantityPlaces: 1 },
    ...{ announcedAtMs: startedMs, firstOpenTimeMs: openMs, slipMs: random.int(0, SLIP_MOST_MS) },
    steps: [{ atMs: startedMs, sts: 2, st: 2, tt: 4 }],
  });
  const before = simulator.orderCount();
  const wanted = { user_id: USER, symbol, mode: 'live', budget: '100', window_ms: WINDOW_MS };
  const { target_id: id } = await call(backends[round % 2], '', wanted);
  await call(backends[round % 2], `/${USER}/${id}/arm`);
  const read = async () => (await store.getTarget(USER, id)) ?? assert.fail('the target is lost');
  const held = await eventually(async () => {
    const target = await read();
    return target.lease ? target : undefined;
  }, 'somebody to take the lease');
  assert.equal(held.status, 'executing');
  await delay(openMs + random.int(-KILL_AROUND_MS, KILL_AROUND_MS) - Date.now());
  const holder = backends.findIndex(({ pid }) => held.lease?.owner.startsWith(`${pid}-`));
  const killed = backends[holder];
  assert.ok(killed, `nobody holds the lease of ${held.lease?.owner}`);
  killed.kill('SIGKILL');
  await killed.exited;
  const ended = await eventually(
    async () => {
      const target = await read();
      return target.status === 'executing' ? undefined : target;
    },
    'the target to come to its end',
    2 * WINDOW_MS,
  );
  const said = ended.events.map(({ event, detail }) => `${event} ${detail}`).join('; ');
  assert.equal(ended.status, 'completed', `round ${round}: ${said}`);
  assert.equal(simulator.orderCount() - before, 1, `round ${round}: orders at the exchange; ${said}`);
  const position = await eventually(() => store.getPosition(USER, symbol), 'the position');
  assert.equal(position.quantity, ended.holding?.quantity, `round ${round}: the position is not what was bought`);
  const landedMs = Date.parse(ended.events.find(({ event }) => event === 'order_filled')?.at ?? '') - openMs;
  assert.ok(landedMs <= WINDOW_MS, `round ${round}: landed ${landedMs} ms after the opening`);
  return { holder, landedMs, isTakenOver: ended.lease?.owner !== held.lease?.owner };
}

export async function soakSniper({ rounds, seed, say }: SniperSoakOptions): Promise<SniperSoakResult> {
  const random = createRandom(seed);
  const [dynamo, simulator, redis] = [await startDynalite(), await createExchangeSimulator(KEYS), await startRedis()];
  const start = () =>
    spawnServer({
      args: ['backend/main.ts'],
      readyMs: 30_000,
      env: {
        BACKEND_LISTEN: '127.0.0.1:0',
        DYNAMODB_ENDPOINT: dynamo.endpoint,
        DYNAMODB_TABLE: TABLE,
        REDIS_URL: redis.url,
        EXCHANGE_URL: simulator.url,
        EXCHANGE_SITE_URL: simulator.url,
        EXCHANGE_SITE_POLL_MS: '200',
        EXCHANGE_API_KEY: KEYS.apiKey,
        EXCHANGE_SECRET_KEY: KEYS.secretKey,
        EXCHANGE_LIMIT_REQUESTS: '100000/1s',
        EXCHANGE_LIMIT_WEIGHT: '1000000/10s',
        LOG_LEVEL: 'fatal',
      },
    });
  const connection = { endpoint: dynamo.endpoint, region: 'us-east-1', table: TABLE, now: Date.now, onTtlRefused() {} };
  const store = await createDynamoStore(connection);
  const backends: SpawnedServer[] = [];
  const landedMs: number[] = [];
  let takenOver = 0;
  try {
    backends.push(...(await Promise.all([start(), start()])));
    for (let round = 1; round <= rounds; round++) {
      const played = await playRound({ simulator, store, backends }, round, random);
      landedMs.push(played.landedMs);
      if (played.isTakenOver) takenOver += 1;
      say(`round ${round}: landed ${played.landedMs} ms after the opening${played.isTakenOver ? ', taken over' : ''}`);
      backends[played.holder] = await start();
    }
    return { rounds, takenOver, landedMs };
  } finally {
    await Promise.all(backends.map((backend) => backend.stop()));
    await Promise.all([store.close(), simulator.close(), dynamo.close(), redis.close()]);
  }
}
