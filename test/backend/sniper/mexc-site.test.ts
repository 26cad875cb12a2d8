import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { readCalendar, readSymbols } from '../../../backend/sniper/mexc-shapes.ts';
import { createMexcSite } from '../../../backend/sniper/mexc-site.ts';

const COIN = {
  vcoinId: 'abc',
  vcoinName: 'NEW',
  vcoinNameFull: 'New Token',
  firstOpenTime: 1_800_000_000_000,
  zone: 'X',
};
const ITEM = { id: '1', cd: 'abc', vn: 'NEW', sts: 2, st: 2, tt: 4, ps: 4, qs: 2, ca: '0x1', ot: 1_800_000_000_000 };
const SIGNS = {
  symbol: 'NEWUSDT',
  ...{ coinId: 'abc', contract: '0x1', sts: 2, st: 2, tt: 4, priceScale: 4, quantityScale: 2 },
  opensAtMs: 1_800_000_000_000,
};

describe('the shapes of the web site', () => {
  test('a calendar entry without a project’s name has the coin’s; one that cannot be read is counted and hides no other', () => {
    const { vcoinNameFull: _, ...nameless } = COIN;
    const read = readCalendar({ data: { newCoins: [COIN, { ...COIN, firstOpenTime: 'soon' }, nameless, null] } });
    const announced = { vcoinId: 'abc', symbol: 'NEWUSDT', firstOpenMs: 1_800_000_000_000 };
    assert.ok(read.kind === 'listed');
    assert.deepEqual(read.entries, [
      { ...announced, projectName: 'New Token' },
      { ...announced, projectName: 'NEW' },
    ]);
    assert.equal(read.drifted, 2);
    assert.match(read.example ?? '', /^firstOpenTime: /);
  });

  test('symbols by quote asset, or as an array, are the same; another quote asset is another symbol', () => {
    const array = readSymbols({ data: { symbols: [ITEM] } });
    const object = readSymbols({ data: { symbols: { USDT: [ITEM] } } });
    assert.deepEqual(array, { kind: 'listed', entries: [SIGNS], drifted: 0, example: null });
    assert.deepEqual(object, array);
    const usdc = readSymbols({ data: { symbols: { USDC: [ITEM] } } });
    assert.equal(usdc.kind === 'listed' && usdc.entries[0]?.symbol, 'NEWUSDC');
  });

  test('an opening as text, in an object, or not known yet', () => {
    const openingOf = (ot: unknown) => {
      const read = readSymbols({ data: { symbols: { USDT: [{ ...ITEM, ot }] } } });
      return read.kind === 'listed' ? read.entries[0]?.opensAtMs : read;
    };
    const openings = ['1800000000000', { time: 1_800_000_000_000 }, { a: 1 }, 0, '', null, undefined].map(openingOf);
    assert.deepEqual(openings, [1_800_000_000_000, 1_800_000_000_000, null, null, null, null, null]);
  });

  test('another shape altogether is drift, whatever it is, and never a crash', () => {
    for (const body of [{}, { data: null }, { data: { newCoins: {} } }, [], 'x', null]) {
      assert.equal(readCalendar(body).kind, 'drift');
      assert.equal(readSymbols(body).kind, 'drift');
    }
    fc.assert(
      fc.property(fc.jsonValue(), (entry) => {
        const calendar = readCalendar({ data: { newCoins: [entry, COIN] } });
        const symbols = readSymbols({ data: { symbols: { USDT: [ITEM, entry] } } });
        assert.ok(calendar.kind === 'listed' && calendar.entries.length + calendar.drifted === 2);
        assert.ok(symbols.kind === 'listed' && symbols.entries.length + symbols.drifted === 2);
      }),
    );
  });
});

describe('the web site over HTTP', () => {
  let answer = { status: 200, type: 'application/json', body: '{}' };
  const server = createServer((_, outgoing) => {
    if (answer.status === 0) return void outgoing.destroy();
    outgoing.writeHead(answer.status, { 'content-type': answer.type });
    outgoing.end(answer.body);
  });
  const site = (async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return createMexcSite({ url, timeoutMs: 2000, now: () => 5 });
  })();
  after(async () => {
    await (await site).close();
    server.close();
  });

  test('a firewall’s page, too many questions, no JSON, a failure, no answer: each is told apart', async () => {
    const page = '<HTML><HEAD>\n<TITLE>Access Denied</TITLE>';
    const cases = [
      [403, 'text/html', page, 'blocked', 'a page came back (HTTP 403): Access Denied'],
      [200, 'text/html', page, 'blocked', 'a page came back (HTTP 200): Access Denied'],
      [429, 'application/json', '{}', 'blocked', 'too many questions (HTTP 429)'],
      [200, 'text/plain', 'hello', 'drift', 'no JSON came back (HTTP 200)'],
      [503, 'application/json', '{}', 'unreachable', 'it answered HTTP 503'],
      [0, '', '', 'unreachable', 'other side closed'],
    ] as const;
    for (const [status, type, body, kind, detail] of cases) {
      answer = { status, type, body };
      assert.deepEqual(await (await site).calendar(), { kind, detail });
    }
    answer = { status: 200, type: 'application/json', body: JSON.stringify({ data: { symbols: { USDT: [ITEM] } } }) };
    const symbols = await (await site).symbols();
    assert.ok(symbols.kind === 'listed');
    assert.deepEqual(symbols.entries, [SIGNS]);
  });
});
