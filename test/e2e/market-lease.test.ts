// The promise of the market's channels: of two backends over one Redis one tells; it is killed, frozen, stopped, and a client of the
// channel sees one sequence without a duplicate, and of each change of hands that something may be missing.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { channels } from '../../backend/bus/bus.ts';
import { type News, newsOf } from '../../backend/bus/news.ts';
import { createRedisBus } from '../../backend/bus/redis.ts';
import type { Closable } from '../helpers/closing.ts';
import { eventually } from '../helpers/deadline.ts';
import { startDynalite } from '../helpers/dynamo.ts';
import { type SpawnedServer, spawnServer } from '../helpers/process.ts';
import { startRedis } from '../helpers/redis.ts';
import { createExchangeSimulator } from '../sandbox/exchange/server.ts';

const KEYS = { apiKey: 'mx0lease', secretKey: 'lease-secret' };
const SYMBOL = 'SOLUSDT';
const TAKEOVER_MS = 10_000;

describe('two backends and one market', () => {
  const opened: Closable[] = [];
  const running = new Set<SpawnedServer>();
  const news: News[] = [];
  let start: () => Promise<SpawnedServer>;

  before(async () => {
    const [redis, dynamo, exchange] = await Promise.all([startRedis(), startDynalite(), createExchangeSimulator(KEYS)]);
    const bus = createRedisBus(redis.url, { onDrop() {}, raised() {} });
    const moving = setInterval(() => exchange.participate(SYMBOL, 1), 50);
    opened.push(redis, dynamo, exchange, bus, { close: () => clearInterval(moving) });
    await eventually(async () => (await bus.ping()) === undefined, 'a connection');
    await bus.subscribe(channels.market(SYMBOL), (text) => void news.push(...[newsOf(text) ?? []].flat()));
    start = async () => {
      const server = await spawnServer({
        args: ['backend/main.ts'],
        env: {
          BACKEND_LISTEN: '127.0.0.1:0',
          DYNAMODB_ENDPOINT: dynamo.endpoint,
          EXCHANGE_URL: exchange.url,
          EXCHANGE_STREAM_URL: exchange.streamUrl,
          EXCHANGE_API_KEY: KEYS.apiKey,
          EXCHANGE_SECRET_KEY: KEYS.secretKey,
          MARKET_SYMBOLS: SYMBOL,
          REDIS_URL: redis.url,
        },
      });
      running.add(server);
      return server;
    };
  });
  after(async () => {
    for (const each of running) {
      each.kill('SIGCONT');
      await each.stop();
    }
    for (const each of opened.reverse()) await each.close();
  });

  /** Whether it tells, and follows the market itself. */
  async function isReady(server: SpawnedServer, tells: 0 | 1): Promise<boolean> {
    const answer = await fetch(`http://${server.listening.http}/api/admin/metrics`);
    const text = await answer.text();
    const held = /^leases_held\{name="market"\} (\d)/m.exec(text)?.[1] ?? '0';
    return held === String(tells) && text.includes('market_books 1');
  }
  const holes = () => news.filter((each, i) => i > 0 && each.seq !== (news[i - 1]?.seq ?? 0) + 1).length;
  async function moreNews(label: string): Promise<void> {
    const before = news.length;
    await eventually(() => news.length >= before + 5, `news ${label}`, TAKEOVER_MS);
  }

  it('its teller is killed, frozen or stopped, then the other one tells: each number once, a hole at each change', async () => {
    const first = await start();
    await eventually(() => isReady(first, 1), 'the first to tell');
    const second = await start();
    await moreNews('of the first');
    await eventually(() => isReady(second, 0), 'the second to follow');
    assert.equal(holes(), 0);

    first.kill('SIGKILL');
    await first.exited;
    running.delete(first);
    await eventually(() => isReady(second, 1), 'the second to tell', TAKEOVER_MS);
    await moreNews('after the kill');
    assert.equal(holes(), 1);

    const third = await start();
    await eventually(() => isReady(third, 0), 'the third to follow');
    second.kill('SIGSTOP');
    await eventually(() => isReady(third, 1), 'the third to tell', TAKEOVER_MS);
    second.kill('SIGCONT'); // It believes that it tells, and is refused.
    await moreNews('of the third');
    await eventually(() => isReady(second, 0), 'the second to give up', TAKEOVER_MS);
    assert.equal(holes(), 2);

    assert.deepEqual(await third.stop(), { code: 0, signal: null });
    running.delete(third);
    await eventually(() => isReady(second, 1), 'the second to tell again', TAKEOVER_MS);
    await moreNews('after the stop');
    assert.equal(holes(), 3);

    assert.ok(
      news.every((each, i) => i === 0 || each.seq > (news[i - 1]?.seq ?? 0)),
      'the numbers go up',
    );
    assert.equal(new Set(news.map(({ epoch }) => epoch)).size, 1);
    const states = news.map(({ text }) => JSON.parse(text).data.version);
    assert.ok(
      states.every((version, i) => i === 0 || version >= states[i - 1]),
      'no state is older than the one before',
    );
  });
});
