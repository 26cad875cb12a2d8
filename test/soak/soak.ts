// Hours of mirroring in minutes: real connections, a real ledger, and a clock that is moved by hand. Identities, places, ids
// and messages never repeat, a tenth of the time the new side fails; memory is looked at all along.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { keepEvidence } from '../../gateway/evidence-keeper.ts';
import { openSqliteLedger } from '../../gateway/ledger/sqlite.ts';
import { createMetrics } from '../../gateway/metrics.ts';
import { ComparedStream } from '../../gateway/mirror/compared-stream.ts';
import { createComparer } from '../../gateway/mirror/comparer.ts';
import { compileRoute, type RouteModel } from '../../gateway/routing/route.ts';
import type { Side } from '../../gateway/routing/side.ts';
import { aCompareConfig, aRoute } from '../helpers/gateway-config.ts';
import { createMirrorWorld, type MirrorWorld, request, startFickle } from '../helpers/mirror-world.ts';

const MB = 1024 * 1024;
const PAIRS_MAX = 1_000;
/** Looks at memory, spread evenly. */
const LOOKS = 24;
/** How often what was found is stored, and a stream is compared. */
const STORE_SECONDS = 10;
const STREAM_SECONDS = 10;
const MESSAGES = 20;
/** Of every so many seconds the new side fails for a tenth. */
const FAILING_EVERY_SECONDS = 1_000;

export interface SoakOptions {
  /** By the clock that is moved. */
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Called with each request; what it keeps is seen to grow. */
  readonly onRequest?: () => void;
  readonly say?: (line: string) => void;
}

/** One look, after a full collection of garbage. */
export interface Look {
  readonly second: number;
  readonly heapMb: number;
  readonly residentMb: number;
  /** Counters in the ledger. */
  readonly counters: number;
}

export interface SoakResult {
  readonly requests: number;
  readonly looks: readonly Look[];
}

/** @throws when a request has no outcome, or more than one. */
export async function soak({ seconds, requestsPerSecond, onRequest, say }: SoakOptions): Promise<SoakResult> {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-soak-'));
  const file = join(folder, 'gateway.db');
  const fickle = await startFickle();
  const ledger = await openSqliteLedger(file);
  const mirror = { timeoutMs: 50, bodyBytesMax: 1_000, ids: [{ name: 'thing', path: '$.id' }] };
  const routes = ['busy', 'busy.too'].map((id) => compileRoute(aRoute({ id, mirror })));
  const world = createMirrorWorld(fickle.url, routes, { pairsMax: PAIRS_MAX });
  const keeper = await keepEvidence({
    ...{ evidence: world.evidence, store: ledger.evidence, metrics: createMetrics(), now: world.now, sampleDays: 7 },
    routes: () => routes.map(({ id }) => id),
    raised: (operation, error) => {
      throw new Error(operation, { cause: error });
    },
  });
  const counters = countersIn(file);
  const looks: Look[] = [];
  let requests = 0;
  let streams = 0;
  try {
    for (let second = 1; second <= seconds; second++) {
      const fails = second % FAILING_EVERY_SECONDS >= FAILING_EVERY_SECONDS * 0.9;
      for (let i = 0; i < requestsPerSecond; i++) {
        ask(world, routes[i % routes.length] as RouteModel, ++requests, fails);
        onRequest?.();
      }
      await world.mirror.idle();
      world.pass(1_000);
      if (second % STREAM_SECONDS === 0) compareStream(world, ++streams);
      if (second % STORE_SECONDS === 0) await keeper.flush();
      if (second % Math.ceil(seconds / LOOKS) !== 0) continue;
      check(world);
      const look = { second, ...memory(), counters: counters.count() };
      looks.push(look);
      say?.(
        `${second} s, ${requests} requests: heap ${look.heapMb.toFixed(1)} MB, resident ${look.residentMb.toFixed(0)} MB, ${look.counters} counters`,
      );
    }
    return { requests, looks };
  } finally {
    counters.close();
    await keeper.close();
    await world.close();
    await ledger.close();
    await fickle.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How much the last quarter of the looks lies above the one before: by then every window, list and map is full. */
export function growthOf(looks: readonly Look[], of: (look: Look) => number): number {
  const quarter = Math.floor(looks.length / 4);
  const meanOf = (some: readonly Look[]) => some.reduce((sum, look) => sum + of(look), 0) / some.length;
  return meanOf(looks.slice(-quarter)) - meanOf(looks.slice(-2 * quarter, -quarter));
}

function ask({ mirror }: MirrorWorld, route: RouteModel, n: number, fails: boolean): void {
  const status = n % 7 === 0 ? 100 + (n % 900) : 200;
  const path = fails ? '/error' : `/things/${n}`;
  request(mirror, route, { path, identity: `user-${n}`, status, body: `{"id":"l${n}"}` });
}

/** A stream of which the sides agree on little, and which names what nobody has named before. */
function compareStream({ evidence, now }: MirrorWorld, n: number): void {
  let atMs = now().getTime();
  const unlimited = { allows: () => true, spend() {} };
  const raised = (operation: string, error: unknown) => {
    throw new Error(operation, { cause: error });
  };
  const stream = new ComparedStream({
    ...{
      routeId: 'busy',
      requestId: `stream-${n}`,
      side: 'legacy',
      budget: unlimited,
      raised,
    },
    limits: { key: ['$.id'], windowMs: 1_000, messagesMax: 1_000, durationMs: 60_000 },
    comparer: createComparer({ now, raised, spend() {} }),
    rules: () => aCompareConfig(),
    found: (finding, shown) => evidence.streamed('busy', finding, shown),
    nowMs: () => atMs,
    ended() {},
  });
  stream.otherOpened();
  atMs += 2_000;
  const say = (side: Side, message: object) => {
    const body = Buffer.from(JSON.stringify(message));
    const heard = { body, contentType: 'application/json', event: undefined, id: undefined } as const;
    stream.hear(side, () => [heard], atMs);
  };
  for (let i = 0; i < MESSAGES; i++) {
    atMs += 10;
    say('legacy', { id: `${n}-${i}`, [`f${n * MESSAGES + i}`]: 1 });
    if (i % 5 !== 0) say('new', { id: `${n}-${i}`, [`f${n * MESSAGES + i}`]: i % 3 });
  }
  atMs += 10_000;
  stream.end('client_stream');
}

/** Every request has its outcome, and what was told of them is forgotten. */
function check({ evidence, told }: MirrorWorld): void {
  for (const id of ['busy', 'busy.too']) {
    const { pending } = evidence.of(id);
    if (pending !== 0) throw new Error(`${id} has ${pending} requests without an outcome`);
  }
  told.length = 0;
}

function countersIn(file: string): { count(): number; close(): void } {
  const db = new DatabaseSync(file, { readOnly: true });
  const statement = db.prepare('SELECT count(*) AS n FROM evidence_counters');
  return { count: () => Number(statement.get()?.n), close: () => db.close() };
}

let collect: (() => void) | undefined;

function memory(): Pick<Look, 'heapMb' | 'residentMb'> {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapMb: (heapUsed + external) / MB, residentMb: rss / MB };
}
