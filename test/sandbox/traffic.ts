// A steady, realistic client: `node traffic.ts --url http://127.0.0.1:8080 --rps 20 [--seconds 60]`. What is in
// TRAFFIC_TOKEN it shows as a bearer token, for a new backend that asks who calls.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { createJourneys, type Journey } from './journeys.ts';
import { createRandom } from './seed/random.ts';

const CONNECTIONS_MAX = 32;
/** Requests under way at once; when a slow server keeps them all busy, further ones are skipped and counted. */
const IN_FLIGHT_MAX = 64;
const TIMEOUT_MS = 15_000;
const REPORT_MS = 5_000;

export interface TrafficOptions {
  readonly url: string;
  /** Requests per second. */
  readonly rps: number;
  /** The same seed asks for the same things in the same order. */
  readonly seed?: number;
  /** Shown with every request. */
  readonly token?: string | undefined;
  /** Sees a line of text every few seconds. */
  readonly onReport?: (line: string) => void;
}

/** What came of the traffic. A failure is an answer of 5xx, or none. */
export interface TrafficSummary {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  /** Due, but not sent because too many were under way. */
  readonly skipped: number;
  /** Answers by the x-banyan-side header; "none" where there is no such header. */
  readonly bySide: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Answers with the header, by "route side". */
  readonly byRoute: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The first few failures in words. */
  readonly failures: readonly string[];
}

const FAILURES_KEPT_MAX = 20;
/** Latencies kept for the percentiles: the latest. */
const LATENCIES_MAX = 10_000;

/** Starts the traffic at once. `stop` lets what is under way finish and answers what came of it all. */
export function createTraffic(options: TrafficOptions): { stop(): Promise<TrafficSummary>; summary(): TrafficSummary } {
  const pool = new Pool(options.url, {
    connections: CONNECTIONS_MAX,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  });
  const journeys = createJourneys(createRandom(options.seed ?? 1));
  const credentials = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  const tally = createTally();
  const inFlight = new Set<Promise<void>>();
  const startedAtMs = performance.now();
  let due = 0;

  const one = async (journey: Journey): Promise<void> => {
    const sentAtMs = performance.now();
    try {
      const { method, path, body } = journey;
      const headers = { ...journey.headers, ...credentials };
      const answer = await pool.request({ method, path, headers, ...(body === undefined ? {} : { body }) });
      const text = await answer.body.text();
      tally.answered(journey, {
        status: answer.statusCode,
        headers: answer.headers,
        tookMs: performance.now() - sentAtMs,
      });
      journey.onAnswer?.(answer.statusCode, text);
    } catch (error) {
      tally.failed(`${journey.method} ${journey.path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  // Paced by the clock, so that a late timer is caught up with and the rate holds.
  const pace = setInterval(
    () => {
      const wanted = Math.floor(((performance.now() - startedAtMs) * options.rps) / 1000);
      for (; due < wanted; due++) {
        if (inFlight.size >= IN_FLIGHT_MAX) {
          tally.skipped();
          continue;
        }
        tally.sent();
        const request = one(journeys.next()).finally(() => inFlight.delete(request));
        inFlight.add(request);
      }
    },
    Math.max(5, Math.min(50, 1000 / options.rps)),
  );
  const report = setInterval(() => options.onReport?.(line(tally.summary())), REPORT_MS);

  return {
    summary: tally.summary,
    async stop() {
      clearInterval(pace);
      clearInterval(report);
      await Promise.all(inFlight);
      await pool.close();
      return tally.summary();
    },
  };
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly tookMs: number;
}

function createTally() {
  const counts = { sent: 0, answered: 0, failed: 0, skipped: 0 };
  const bySide: Record<string, number> = {};
  const byStatus: Record<string, number> = {};
  const byRoute: Record<string, number> = {};
  const failures: string[] = [];
  const latencies: number[] = [];
  const failed = (why: string): void => {
    counts.failed += 1;
    if (failures.length < FAILURES_KEPT_MAX) failures.push(why);
  };
  return {
    sent: () => void counts.sent++,
    skipped: () => void counts.skipped++,
    failed,
    answered(journey: Journey, { status, headers, tookMs }: Answered) {
      counts.answered += 1;
      const side = String(headers['x-banyan-side'] ?? 'none');
      count(bySide, side);
      count(byStatus, String(status));
      count(byRoute, `${journey.routeId} ${side}`);
      latencies[(counts.answered - 1) % LATENCIES_MAX] = tookMs;
      if (status >= 500) failed(`${journey.method} ${journey.path}: ${status}`);
    },
    summary(): TrafficSummary {
      const sorted = [...latencies].sort((a, b) => a - b);
      const at = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(1));
      return {
        ...counts,
        bySide: { ...bySide },
        byStatus: { ...byStatus },
        byRoute: { ...byRoute },
        p50Ms: at(0.5),
        p99Ms: at(0.99),
        failures: [...failures],
      };
    },
  };
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function line({ answered, failed, skipped, bySide, p50Ms, p99Ms }: TrafficSummary): string {
  const sides = Object.entries(bySide).map(([side, n]) => `${side} ${n}`);
  return `traffic: ${answered} answers (${sides.join(', ')}), ${failed} failed, ${skipped} skipped, p50 ${p50Ms} ms, p99 ${p99Ms} ms`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:8080' },
      rps: { type: 'string', default: '20' },
      seconds: { type: 'string' },
    },
  });
  const rps = Number(values.rps);
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  if (!(rps > 0) || (seconds !== undefined && !(seconds > 0))) {
    console.error('traffic: --rps and --seconds must be numbers above 0');
    process.exit(2);
  }
  const token = process.env.TRAFFIC_TOKEN || undefined;
  const traffic = createTraffic({ url: values.url, rps, token, onReport: (text) => console.error(text) });
  const end = Promise.withResolvers<void>();
  process.on('SIGTERM', () => end.resolve());
  process.on('SIGINT', () => end.resolve());
  const timer = seconds === undefined ? undefined : setTimeout(() => end.resolve(), seconds * 1000);
  await end.promise;
  clearTimeout(timer);
  console.log(JSON.stringify(await traffic.stop()));
}

if (import.meta.main) await main();
