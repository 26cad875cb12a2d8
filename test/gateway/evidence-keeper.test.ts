// Evidence over restarts and outages of its store, on the real SQLite file.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { type EvidenceKeeper, keepEvidence } from '../../gateway/evidence-keeper.ts';
import { countersOf, countsFrom } from '../../gateway/kept-counts.ts';
import type { EvidenceStore } from '../../gateway/ledger/evidence-store.ts';
import type { EvidenceLedger } from '../../gateway/ledger/ledger.ts';
import { openSqliteLedger } from '../../gateway/ledger/sqlite.ts';
import { createMetrics } from '../../gateway/metrics.ts';
import type { Verdict } from '../../gateway/mirror/compare.ts';
import { addCounts, countDropped, countsOf, newCounts } from '../../gateway/mirror/counts.ts';
import { createEvidence, type Evidence } from '../../gateway/mirror/evidence.ts';
import { OUTCOMES } from '../../gateway/mirror/observation.ts';
import { newRouteCounts, streamsIn } from '../../gateway/mirror/route-counts.ts';
import type { StreamFinding } from '../../gateway/mirror/stream-counts.ts';
import { countStream, STREAM_ENDS, STREAM_REFUSALS } from '../../gateway/mirror/stream-counts.ts';
import { WINDOWS, type Window } from '../../gateway/mirror/windows.ts';
import { eventually } from '../helpers/deadline.ts';
import { anObservation } from '../helpers/observations.ts';
import { askFresh, type Sides, startSides, startWorkers, type WorkersGateway } from './cluster/start-workers.ts';

const PAIR = { legacy: anObservation('legacy'), new: anObservation('new', { body: { a: 2 } }), copied: 'new' } as const;
const REQUEST = { requestId: 'r-1', method: 'GET', target: '/orders/1', headers: ['a', 'b'], body: Buffer.from('') };
const MISMATCH: Verdict = {
  outcome: 'mismatch',
  detail: undefined,
  differences: [{ path: '$.a', at: '/a', kind: 'changed', legacy: '1', new: '2', critical: true, rule: undefined }],
};
const START_MS = Date.UTC(2026, 0, 5, 10);

let folder: string;
let ledger: EvidenceLedger;
let nowMs: number;
let raised: string[];
const metrics = createMetrics();
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-evidence-'));
  ledger = await openSqliteLedger(join(folder, 'gateway.db'));
  nowMs = START_MS;
  raised = [];
});
afterEach(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Kept {
  readonly evidence: Evidence;
  readonly keeper: EvidenceKeeper;
}

/** A process that begins: its evidence, restored and kept, route `r` in a stage. */
async function begin(given: { store?: EvidenceStore; stage?: string; routes?: string[] } = {}): Promise<Kept> {
  const { store = ledger.evidence, stage = 'shadow', routes = ['r'] } = given;
  const now = () => new Date(nowMs);
  const evidence = createEvidence(now);
  const keeper = await keepEvidence({
    ...{ evidence, store, metrics, now, sampleDays: 7 },
    routes: () => routes,
    raised: (operation) => void raised.push(operation),
  });
  for (const route of routes) evidence.enter(route, stage);
  return { evidence, keeper };
}

function conclude(evidence: Evidence, verdict: Verdict, route = 'r'): void {
  evidence.begin(route);
  evidence.record(route, REQUEST, PAIR, verdict);
}

/** One stream, of which a message differs. */
function stream(evidence: Evidence): void {
  const message = { contentType: 'application/json', event: undefined, id: undefined } as const;
  const [legacy, fresh] = [Buffer.from('{"a":1}'), Buffer.from('{"a":2}')].map((body) => ({ ...message, body }));
  const { differences } = MISMATCH;
  const shown = { requestId: 'r-1', outcome: 'different', differences, legacy, new: fresh } as const;
  evidence.streamed('r', { kind: 'begun' }, undefined);
  evidence.streamed('r', { kind: 'pair', lagMs: 5, isLate: true, isReordered: false, verdict: MISMATCH }, shown);
  evidence.streamed('r', { kind: 'ended', reason: 'client_stream' }, undefined);
}

const allOf = (evidence: Evidence) => WINDOWS.map((window) => evidence.of('r', window));
const matchesOf = (evidence: Evidence) => allOf(evidence).map(({ outcomes }) => outcomes.match);
const MATCH: Verdict = { outcome: 'match', differences: [], detail: undefined };

describe('evidence over a restart', () => {
  it('is as it was: outcomes, differences, drops, samples, in every window', async () => {
    const before = await begin();
    conclude(before.evidence, MISMATCH);
    conclude(before.evidence, MATCH);
    before.evidence.begin('r');
    before.evidence.drop('r', 'queue_count');
    await before.keeper.close();
    const after = await begin();
    assert.deepEqual(allOf(after.evidence), allOf(before.evidence));
    assert.deepEqual(
      JSON.parse(JSON.stringify(after.evidence.samples('r'))),
      JSON.parse(JSON.stringify(before.evidence.samples('r'))),
    );
    conclude(after.evidence, MISMATCH);
    assert.deepEqual(
      after.evidence.samples('r').map(({ n }) => n),
      [2, 1],
    );
    await after.keeper.close();
  });

  it('is as it was for streams too: messages, ends, lags, samples, in every window', async () => {
    const before = await begin();
    stream(before.evidence);
    await before.keeper.close();
    const after = await begin();
    assert.deepEqual(allOf(after.evidence), JSON.parse(JSON.stringify(allOf(before.evidence))));
    assert.deepEqual(after.evidence.of('r').streams?.messages.different, 1);
    assert.equal(after.evidence.samples('r').length, 0, 'samples of streams are none of requests');
    conclude(after.evidence, MISMATCH);
    stream(after.evidence);
    assert.deepEqual(
      [...after.evidence.samples('r'), ...(after.evidence.of('r').streams?.samples ?? [])].map(({ n }) => n).sort(),
      [1, 2, 3],
    );
    nowMs += 5 * 60_000;
    const begun = (window: Window) => after.evidence.of('r', window).streams?.begun;
    assert.deepEqual(WINDOWS.map(begun), [0, 2, 2]);
    after.evidence.enter('r', 'canary');
    assert.equal(after.evidence.of('r').streams, undefined, 'of the stage before');
    await after.keeper.close();
  });

  it('holds in those windows that still reach back to it', async () => {
    const before = await begin();
    conclude(before.evidence, MATCH);
    await before.keeper.close();
    nowMs += 5 * 60_000;
    const after = await begin();
    assert.deepEqual(matchesOf(after.evidence), [0, 1, 1]);
    assert.equal(after.evidence.of('r').since, new Date(START_MS).toISOString());
    await after.keeper.close();
  });

  it('in another stage than before begins anew, and keeps its samples', async () => {
    const before = await begin();
    conclude(before.evidence, MISMATCH);
    await before.keeper.close();
    nowMs += 60_000;
    const after = await begin({ stage: 'canary' });
    assert.equal(after.evidence.of('r').eligible, 0);
    assert.equal(after.evidence.of('r').since, new Date(nowMs).toISOString());
    assert.equal(after.evidence.samples('r').length, 1);
    conclude(after.evidence, MATCH);
    await after.keeper.close();
    const last = await begin({ stage: 'canary' });
    assert.deepEqual(matchesOf(last.evidence), [1, 1, 1]);
    await last.keeper.close();
  });

  it('has nothing of routes that have left the configuration, nor of samples that are too old', async () => {
    const before = await begin({ routes: ['r', 'gone'] });
    for (const route of ['r', 'gone']) conclude(before.evidence, MISMATCH, route);
    await before.keeper.close();
    nowMs += 8 * 24 * 3600 * 1000;
    const after = await begin();
    await after.keeper.close();
    const { routes } = await ledger.evidence.load();
    assert.deepEqual(
      routes.map(({ route, slices, samples }) => [route, slices.length, samples.length]),
      [['r', 0, 0]],
    );
  });
});

describe('a store that fails', () => {
  /** The store, which fails as long as it is told to, before or after it has done what it was asked to. */
  function flaky() {
    const failing: { how: 'before' | 'after' | undefined } = { how: undefined };
    const store: EvidenceStore = {
      ...ledger.evidence,
      async add(batch) {
        if (failing.how === 'before') throw new Error('no space left on device');
        await ledger.evidence.add(batch);
        if (failing.how === 'after') throw new Error('the answer was lost');
      },
    };
    return { failing, store };
  }

  it('is back when the process ends, then what was found while it failed is stored too', async () => {
    const { failing, store } = flaky();
    const { evidence, keeper } = await begin({ store });
    failing.how = 'before';
    conclude(evidence, MATCH);
    await keeper.flush();
    conclude(evidence, MATCH);
    failing.how = undefined;
    await keeper.close();
    const after = await begin();
    assert.deepEqual(matchesOf(after.evidence), [2, 2, 2]);
    await after.keeper.close();
  });

  it('is told once, and nothing is lost or counted twice when it is back', async () => {
    for (const how of ['before', 'after'] as const) {
      const { failing, store } = flaky();
      const { evidence, keeper } = await begin({ store, stage: how });
      raised = [];
      failing.how = how;
      for (let second = 0; second < 3; second++) {
        conclude(evidence, MATCH);
        nowMs += 1_000;
        await keeper.flush();
      }
      assert.deepEqual(raised, ['evidence.store']);
      assert.match(keeper.problem() ?? '', /cannot be stored and is kept in memory: /);
      assert.equal((await metrics.evidenceStored.get()).values[0]?.value, 0);
      failing.how = undefined;
      await keeper.flush();
      assert.equal(keeper.problem(), undefined);
      assert.equal((await metrics.evidenceStored.get()).values[0]?.value, 1);
      await keeper.close();
      const after = await begin({ stage: how });
      assert.deepEqual(matchesOf(after.evidence), [3, 3, 3], how);
      await after.keeper.close();
    }
  });

  it('because another process holds its file goes on in memory meanwhile', async () => {
    const { evidence, keeper } = await begin();
    const blocker = new DatabaseSync(join(folder, 'gateway.db'));
    blocker.exec('BEGIN EXCLUSIVE');
    conclude(evidence, MATCH);
    await keeper.flush();
    assert.match(keeper.problem() ?? '', /locked/);
    assert.equal(evidence.of('r').outcomes.match, 1);
    blocker.exec('ROLLBACK');
    blocker.close();
    await keeper.close();
    assert.equal(keeper.problem(), undefined);
    const after = await begin();
    assert.equal(after.evidence.of('r').outcomes.match, 1);
    await after.keeper.close();
  });
});

describe('counts as a store keeps them', () => {
  it('are read as they were written, whatever their names', () => {
    const difference = fc.record({
      path: fc.string(),
      at: fc.constant('/a'),
      kind: fc.constantFrom('changed' as const, 'order' as const),
      critical: fc.boolean(),
      rule: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      noise: fc.constantFrom(true as const, undefined),
    });
    const verdicts = fc.record({
      outcome: fc.constantFrom(...OUTCOMES),
      differences: fc.array(
        difference.map(({ noise, ...each }) => ({ ...each, legacy: '1', new: '2', ...(noise ? { noise } : {}) })),
        { maxLength: 5 },
      ),
      isBracketed: fc.boolean(),
    });
    const asVerdict = ({ isBracketed, ...found }: { isBracketed: boolean } & Omit<Verdict, 'detail'>): Verdict => ({
      ...{ ...found, detail: undefined },
      ...(isBracketed ? { bracketed: true } : {}),
    });
    const text = fc.string();
    const findings = fc.oneof<fc.Arbitrary<StreamFinding>[]>(
      fc.constant({ kind: 'begun' }),
      fc.record({ kind: fc.constant('refused'), reason: fc.constantFrom(...STREAM_REFUSALS) }),
      fc.record({ kind: fc.constant('ended'), reason: fc.constantFrom(...STREAM_ENDS) }),
      fc.record({ kind: fc.constant('single'), outcome: fc.constantFrom('missing', 'unsettled'), count: fc.nat(9) }),
      fc.record({
        kind: fc.constant('pair'),
        lagMs: fc.option(fc.double({ min: -1e7, max: 1e7, noNaN: true }), { nil: undefined }),
        isLate: fc.boolean(),
        isReordered: fc.boolean(),
        verdict: fc.oneof(verdicts.map(asVerdict), fc.record({ dropped: text })),
      }),
    );
    fc.assert(
      fc.property(
        fc.array(verdicts, { maxLength: 5 }),
        fc.array(text, { maxLength: 3 }),
        fc.array(findings),
        (...all) => {
          const [found, reasons, ofStreams] = all;
          const counts = newRouteCounts();
          for (const each of found) addCounts(counts.requests, countsOf(asVerdict(each)));
          for (const reason of reasons) countDropped(counts.requests, reason, 2);
          for (const finding of ofStreams) countStream(streamsIn(counts), finding);
          const isNothing = countersOf({ ...counts, requests: newCounts() }).size === 0;
          assert.deepEqual(countsFrom(countersOf(counts)), isNothing ? { ...counts, streams: undefined } : counts);
        },
      ),
    );
  });

  it('that another release has written otherwise are left out', () => {
    const counts = countsFrom(
      new Map([
        ['outcome match', 1],
        ['difference nonsense', 1],
        ['difference [1]', 1],
        ['later', 1],
        ['stream later', 1],
        ['stream ended flip', 2],
        ['stream ended later', 1],
      ]),
    );
    assert.deepEqual([counts.requests.outcomes.match, counts.requests.differences.size], [1, 0]);
    assert.deepEqual(counts.streams?.ended, new Map([['flip', 2]]));
  });
});

const ASKED = 50;

describe('a gateway that is killed', () => {
  let sides: Sides;
  let gateway: WorkersGateway | undefined;
  beforeEach(async () => {
    sides = await startSides();
  });
  afterEach(async () => {
    await gateway?.close();
    await sides.close();
  });

  for (const workers of [1, 2]) {
    it(`has what it had stored when it comes back, with ${workers} serving`, async () => {
      const routes = [{ id: 'copied', initialStage: 'shadow', match: { methods: ['*'], path: '/*' } }];
      const options = { workers, sides, routes, folder: mkdtempSync(join(folder, 'killed-')) };
      gateway = await startWorkers(options);
      const outcomesOf = async (running: WorkersGateway) => {
        const { body } = await running.api('GET', '/api/routes/copied/comparisons');
        return body.pending === 0 && body.eligible === ASKED && body.outcomes;
      };
      await askFresh(gateway.url, '/x', ASKED);
      const counted = await eventually(() => gateway && outcomesOf(gateway), 'the comparisons');
      const file = new DatabaseSync(join(options.folder, 'gateway.db'), { readOnly: true });
      const sum = file.prepare(
        `SELECT sum(value) AS n FROM evidence_counters WHERE start_ms < 0 AND counter GLOB 'outcome *'`,
      );
      const total = Object.values<number>(counted).reduce((a, b) => a + b, 0);
      await eventually(() => sum.get()?.n === total, 'all of it to be stored');
      file.close();
      gateway.server.kill('SIGKILL');
      await gateway.server.exited;
      gateway = await startWorkers(options);
      assert.deepEqual(await outcomesOf(gateway), counted);
    });
  }
});
