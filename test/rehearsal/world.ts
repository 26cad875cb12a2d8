// Everything that a rehearsal needs, started together and stopped together.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { eventually } from '../helpers/deadline.ts';
import { spawnServer } from '../helpers/process.ts';
import { operatorToken, shadowKeysFile } from '../sandbox/start/gateway-config.ts';
import { choosePorts } from '../sandbox/start/ports.ts';
import { startSandbox } from '../sandbox/start/sandbox.ts';
import { createStreamTraffic } from '../sandbox/stream-traffic.ts';
import { type Build, startBuild } from './build.ts';
import { createDataJobs, type DataJobs } from './data-jobs.ts';
import { writeRehearsalConfig } from './gateway-config.ts';
import { type Load, startLoad } from './load.ts';
import { createOperator, type Operator } from './operator.ts';

/** Only certificates of this rehearsal are signed with it. */
const SIGNING_KEY = 'rehearsal-signing-key-0123456789abcdef';
/** How long nothing may reach legacy before it is switched off. */
const QUIET_MS = 3_000;
/** How many requests show that nobody misses legacy. */
const WITHOUT_LEGACY = 300;
const WITHOUT_LEGACY_MS = 60_000;

export interface World {
  readonly operator: Operator;
  readonly build: Build;
  readonly jobs: DataJobs;
  readonly load: Load;
  readonly streams: ReturnType<typeof createStreamTraffic>;
  /** Rejects when something that should run has ended by itself. */
  readonly failed: Promise<never>;
  /** Orders that the exchange has got since the users came. */
  ordersAtExchange(): Promise<number>;
  /** Rejects when legacy still answers the gateway. */
  quietOnLegacy(): Promise<void>;
  stopLegacy(): Promise<void>;
  /** Resolves when the users have sent a good many more. */
  moreRequests(): Promise<void>;
  /** Also after a failure, at any point. */
  close(): Promise<void>;
}

const exchangeState = z.object({ orders: z.number() });

/** @throws what went wrong, with everything stopped that had been started. */
export async function openWorld(folder: string, say: (line: string) => void, signal: AbortSignal): Promise<World> {
  mkdirSync(join(folder, 'certificates'), { recursive: true });
  const closing: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closing.splice(0).reverse()) {
      await each().catch((error: unknown) => say(`could not stop: ${error instanceof Error ? error.message : error}`));
    }
  };
  try {
    const sandbox = await startSandbox(
      {
        ...{ dataDir: folder, ports: choosePorts(0), gateway: false, planted: false, newSeeded: false },
        onProgress: say,
      },
      signal,
    );
    closing.push(sandbox.stop);
    const { legacy = '', new: backend = '', exchange = '', dynamodb = '' } = sandbox.listening;
    const build = await startBuild(backend);
    closing.push(build.close);
    const config = writeRehearsalConfig(sandbox.gatewayConfig, folder, build.address);
    const token = operatorToken(folder);
    const gateway = await spawnServer({
      args: [...process.execArgv, 'gateway/main.ts', '--config', config],
      env: {
        ...{ BANYAN_OPERATOR_TOKEN: token, BANYAN_SHADOW_KEYS_FILE: shadowKeysFile(folder) },
        MIGRATION_SIGNING_KEY: SIGNING_KEY,
      },
      ownGroup: true,
    });
    closing.push(gateway.stop);
    const operator = createOperator(gateway.listening.operator ?? '', token);
    const jobs = createDataJobs({
      ...{ MIGRATION_SOURCE_URL: sandbox.databaseUrl, MIGRATION_SIGNING_KEY: SIGNING_KEY },
      ...{ MIGRATION_FOLDER: join(folder, 'migration'), MIGRATION_CERTIFICATES: join(folder, 'certificates') },
      ...{ DYNAMODB_ENDPOINT: `http://${dynamodb}`, DYNAMODB_TABLE: 'banyan' },
    });
    closing.push(jobs.end);
    const ordersNow = async (): Promise<number> => {
      const response = await fetch(`http://${exchange}/__control/state`);
      return exchangeState.parse(await response.json()).orders;
    };
    const ordersBefore = await ordersNow();
    const url = `http://${gateway.listening.traffic}`;
    const load = startLoad(url);
    closing.push(load.stop);
    const streams = createStreamTraffic(url);
    closing.push(streams.stop);
    return {
      ...{ operator, build, jobs, load, streams, close, stopLegacy: sandbox.stopLegacy },
      failed: sandbox.failed,
      ordersAtExchange: async () => (await ordersNow()) - ordersBefore,
      async quietOnLegacy() {
        const served = () => servedByLegacy(gateway.listening.operator ?? '', token);
        const before = await served();
        await delay(QUIET_MS);
        const after = await served();
        if (after !== before) throw new Error(`legacy at ${legacy} still answers: ${after - before} in ${QUIET_MS} ms`);
      },
      async moreRequests() {
        const wanted = load.figures().requests + WITHOUT_LEGACY;
        await eventually(() => load.figures().requests >= wanted, `${WITHOUT_LEGACY} requests`, WITHOUT_LEGACY_MS);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const served = z.object({
  routes: z.array(z.object({ traffic: z.object({ legacy: z.object({ requests: z.number() }) }) })),
});
const unrouted = z.object({ unrouted: z.object({ requests: z.number() }) });

/** All that the gateway has sent to legacy to be answered, on routes or beside them. */
async function servedByLegacy(address: string, token: string): Promise<number> {
  const read = async (path: string): Promise<unknown> => {
    const response = await fetch(`http://${address}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return response.json();
  };
  const { routes } = served.parse(await read('/api/routes'));
  const beside = unrouted.parse(await read('/api/status')).unrouted.requests;
  return routes.reduce((sum, { traffic }) => sum + traffic.legacy.requests, beside);
}
