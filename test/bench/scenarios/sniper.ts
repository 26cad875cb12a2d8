// 13. The moment of an opening: how late the timer is, beside one of a process that does nothing else, and how long the order then
// takes to leave for the exchange.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { promisify } from 'node:util';
import { decimalOf } from '../../../backend/domain/money.ts';
import { createMexc } from '../../../backend/exchange/mexc.ts';
import { until } from '../../../backend/sniper/moment.ts';
import type { BenchContext, ScenarioResult } from '../bench-context.ts';

const MOMENTS = 200;
/** Between two moments, not a multiple of any timer's period. */
const APART_MS = 13;
const LATE_P99_MS_MAX = 2;
const BARE_MAIN = join(import.meta.dirname, '..', 'load', 'bare-timer.ts');

/** ms at the share, of sorted times. */
const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

async function bareTimes(count: number, ending: AbortSignal): Promise<number[]> {
  const args = [BARE_MAIN, String(count), String(APART_MS)];
  return JSON.parse((await promisify(execFile)(process.execPath, args, { signal: ending })).stdout);
}

export async function benchSniper({ options, ending, say }: BenchContext): Promise<ScenarioResult> {
  say('13. the moment of an opening');
  const exactMs = () => performance.timeOrigin + performance.now();
  const arrivals: number[] = [];
  const server = createServer((incoming, outgoing) => {
    if (incoming.url?.includes('/order')) arrivals.push(exactMs());
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(incoming.url?.includes('/time') ? `{"serverTime":${Date.now()}}` : '{"orderId":"1"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const exchange = createMexc({
    url,
    apiKey: 'mx0bench',
    secretKey: 's',
    timeoutMs: 5000,
    recvWindowMs: 5000,
    now: Date.now,
  });
  await exchange.prepare();
  const [late, out]: [number[], number[]] = [[], []];
  const count = MOMENTS * options.rounds;
  const bare = await bareTimes(count / 2, ending); // One after the other: on one core they would hold each other up.
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  for (let i = 0; i < count && !ending.aborted; i++) {
    const moment = exactMs() + APART_MS;
    await until(exactMs, moment, ending);
    const sentAt = exactMs();
    late.push(sentAt - moment);
    const limit = {
      side: 'BUY',
      orderType: 'IMMEDIATE_OR_CANCEL',
      quantity: decimalOf('1'),
      price: decimalOf('1'),
    } as const;
    await exchange.submit({ clientOrderId: `bench${i}`, symbol: 'NEWUSDT', ...limit, validUntilMs: Date.now() + 1000 });
    out.push((arrivals.at(-1) ?? Number.NaN) - sentAt);
  }
  loop.disable();
  bare.push(...(await bareTimes(count / 2, ending)));
  await exchange.close();
  server.close();
  const rows = (
    [
      ['timer later than the moment', late],
      ['the same in a bare process, before and after', bare],
      ['order handed over until it has arrived', out],
    ] as const
  ).map(([what, times]) => {
    const sorted = times.toSorted((a, b) => a - b);
    return [what, ...[0.5, 0.9, 0.99, 1].map((share) => at(sorted, share).toFixed(3))];
  });
  const p99Of = (times: readonly number[]) =>
    at(
      times.toSorted((a, b) => a - b),
      0.99,
    );
  const [p99, bareP99] = [p99Of(late), p99Of(bare)];
  const stallMs = (share: number) => (loop.percentile(share) / 1e6).toFixed(3);
  return {
    title: `13. The moment of an opening: ${late.length} orders, ms`,
    tables: [{ title: '', columns: ['p50', 'p90', 'p99', 'max'], rows }],
    budgets: [
      {
        what: 'the timer, p99',
        goal: `<= ${LATE_P99_MS_MAX} ms`,
        measured: `${p99.toFixed(3)} ms`,
        met: p99 <= LATE_P99_MS_MAX,
      },
    ],
    notes: [
      `late at p99: ${(p99 / bareP99).toFixed(2)} times the bare process, which has nothing of ours in it`,
      `event loop of the sniper: p99 ${stallMs(99)} ms, max ${stallMs(100)} ms between two looks of a timer of 1 ms`,
      'the exchange is in the same process, so its reading of a request is in the second row too',
    ],
    data: { late, bare, out },
    broken: arrivals.length === late.length ? [] : ['orders did not arrive'],
  };
}
