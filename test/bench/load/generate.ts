// The load itself: closed loop (each connection asks again when it is answered) or open loop (a fixed rate).
import { createHistogram } from 'node:perf_hooks';
import { bodyOf, requestsOf } from '../workload.ts';
import { type LoadConnection, openConnection } from './connection.ts';
import type { LoadResult, LoadSpec } from './load.ts';

const LATENCY_US_MAX = 60_000_000;
/** How often an open loop looks what is due. */
const TICK_MS = 1;
/** Arrivals that may wait for a free connection; more are errors: the target is hopelessly behind. */
const BACKLOG_MAX = 100_000;
/** How long answers may still come once the time is over; what has not come then is an error. */
const GRACE_MS = 5_000;

/** Runs to its end. Never rejects on account of the target. */
export async function runLoad(spec: LoadSpec): Promise<LoadResult> {
  const { ratePerSecond } = spec;
  const histogram = createHistogram({ lowest: 1, highest: LATENCY_US_MAX, figures: 3 });
  const requests = requestsOf(spec.workload).map((text) => Buffer.from(text));
  const expected = Buffer.from(bodyOf(spec.workload, 'legacy'));
  const waiting: number[] = []; // When each arrival was due; bounded by BACKLOG_MAX.
  const idle: LoadConnection[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + spec.seconds * 1_000;
  let next = 0;
  let sent = 0;
  let answered = 0;
  let errors = 0;

  const send = (connection: LoadConnection, dueAt: number) => {
    sent++;
    connection.ask(requests[next++ % requests.length] as Buffer, dueAt);
  };
  const onAnswer = (connection: LoadConnection, dueAt: number, ok: boolean) => {
    const now = performance.now();
    answered++;
    if (ok) histogram.record(Math.min(LATENCY_US_MAX, Math.max(1, Math.round((now - dueAt) * 1_000))));
    else errors++;
    if (ratePerSecond !== undefined) {
      const due = waiting.shift();
      if (due === undefined) idle.push(connection);
      else send(connection, due);
    } else if (now < endsAt) send(connection, now);
  };

  const [host = '', port = ''] = spec.target.split(':');
  for (let i = 0; i < spec.connections; i++) {
    const connection = openConnection({ host, port: Number(port), expected, onAnswer });
    if (ratePerSecond === undefined) send(connection, performance.now());
    else idle.push(connection);
  }
  if (ratePerSecond !== undefined) {
    await arrivals(ratePerSecond, startedAt, endsAt, (dueAt) => {
      const connection = idle.pop();
      if (connection) send(connection, dueAt);
      else if (waiting.length < BACKLOG_MAX) waiting.push(dueAt);
      else errors++;
    });
  } else await until(() => performance.now() >= endsAt);
  const done = performance.now() - startedAt;
  const answeredInTime = answered;
  await until(() => (answered === sent && waiting.length === 0) || performance.now() > endsAt + GRACE_MS);
  const ms = (percentile: number) => (histogram.count > 0 ? histogram.percentile(percentile) / 1_000 : 0);
  return {
    requests: answered,
    requestsPerSecond: answeredInTime / (done / 1_000),
    ...{ p50Ms: ms(50), p99Ms: ms(99), p999Ms: ms(99.9) },
    errors: errors + (sent - answered) + waiting.length,
  };
}

/** Calls `arrive` for every request that is due, with the moment it was due, late ones too. */
function arrivals(ratePerSecond: number, startedAt: number, endsAt: number, arrive: (dueAt: number) => void) {
  return new Promise<void>((resolve) => {
    let tick = 0;
    let count = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      for (;;) {
        const dueAt = startedAt + tick * TICK_MS;
        if (dueAt > now || dueAt >= endsAt) break;
        tick++;
        const total = Math.floor((tick * TICK_MS * ratePerSecond) / 1_000);
        for (; count < total; count++) arrive(dueAt);
      }
      if (now < endsAt) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
}

function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!condition()) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
}
