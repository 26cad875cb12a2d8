// Users, all the while: k6 where it can be had, else the sandbox's traffic client.
import { findK6, type K6 } from '../../loadtest/find-k6.ts';
import type { Settings } from '../../loadtest/k6/settings.ts';
import { runK6 } from '../../loadtest/run-k6.ts';
import { createTraffic } from '../sandbox/traffic.ts';

export interface LoadFigures {
  readonly by: string;
  readonly requests: number;
  readonly failed: number;
  /** Due, and not sent. */
  readonly lost: number;
  /** Orders that a user was told are made; undefined where that is not known. */
  readonly ordersMade: number | undefined;
  readonly failures: readonly string[];
}

export interface Load {
  figures(): LoadFigures;
  /** Lets what is under way end; then the figures are whole. */
  stop(): Promise<LoadFigures>;
}

const RATE = 40;
/** k6 runs again and again for this long, so that it can always be stopped without cutting a request off. */
const RUN_SECONDS = 10;
const FAILURES_MAX = 10;

export function startLoad(url: string): Load {
  const k6 = findK6();
  return k6 === undefined ? startTrafficClient(url) : startK6(k6, url);
}

function startK6(k6: K6, url: string): Load {
  const settings: Settings = {
    ...{ profile: 'soak', target: 'gateway', url, rate: RATE, seconds: RUN_SECONDS, clientsMax: 100, streams: 1 },
    ...{ writes: true, cancels: false, p95MaxMs: 60_000 },
  };
  let [requests, failed, lost, ordersMade] = [0, 0, 0, 0];
  const failures: string[] = [];
  const fail = (text: string) => failures.length < FAILURES_MAX && failures.push(text);
  let stopping = false;
  const running = (async () => {
    while (!stopping) {
      await runK6(k6, {
        ...{ settings, summary: false, signal: new AbortController().signal, onText: fail },
        onPoint(point) {
          if (point.metric === 'lost') lost += point.count;
          if (point.metric !== 'answer_failed') return;
          requests += 1;
          failed += point.value;
          if (point.route === 'trade.order.create' && point.value === 0) ordersMade += 1;
        },
      });
    }
  })();
  running.catch((error: unknown) => {
    failed += 1; // Without users nothing is proven.
    fail(String(error));
  });
  const figures = () => ({ by: `k6 ${k6.version}`, requests, failed, lost, ordersMade, failures });
  return {
    figures,
    async stop() {
      stopping = true;
      await running.catch(() => undefined);
      return figures();
    },
  };
}

function startTrafficClient(url: string): Load {
  const traffic = createTraffic({ url, rps: RATE });
  const figures = (): LoadFigures => {
    const { sent, failed, skipped, failures } = traffic.summary();
    return { by: 'the traffic client', requests: sent, failed, lost: skipped, ordersMade: undefined, failures };
  };
  let stopped: Promise<unknown> | undefined;
  return {
    figures,
    async stop() {
      stopped ??= traffic.stop();
      await stopped;
      return figures();
    },
  };
}
