// The engine over a real store, flags and control: it goes on, holds, follows a restart at every step, and yields.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { plan as planSchema } from '../../../config/plan-schema.ts';
import type { PlanStore } from '../../../gateway/ledger/plan-store.ts';
import { openSqliteLedger } from '../../../gateway/ledger/sqlite.ts';
import { certificatesIn } from '../../../gateway/rollout/certificates.ts';
import { ControlError, openChanges } from '../../../gateway/rollout/changes.ts';
import { type Control, openControl } from '../../../gateway/rollout/control.ts';
import type { ComparedFacts } from '../../../gateway/rollout/facts.ts';
import { openFileFlags } from '../../../gateway/rollout/flags.ts';
import { GUARD, GuardWatch, type Measurements } from '../../../gateway/rollout/guard-watch.ts';
import { createLeadership } from '../../../gateway/rollout/leadership.ts';
import type { PlanAction } from '../../../gateway/rollout/plan.ts';
import { PlanEngine } from '../../../gateway/rollout/plan-engine.ts';
import { compileRoutes } from '../../../gateway/routing/route.ts';
import { aRoute } from '../../helpers/gateway-config.ts';
import { aCompared, aServed, bothServed } from '../../helpers/rollout.ts';

const GATES = ['parity', 'errors'] as const;
const STEPS = [
  { stage: 'shadow', leastMs: 60_000, gates: [...GATES, 'data'] },
  { stage: 'canary', percent: 10, leastMs: 60_000, gates: GATES },
  { stage: 'canary', percent: 50, leastMs: 60_000, gates: GATES },
  { stage: 'live', leastMs: 60_000, gates: GATES },
  { stage: 'complete' },
] as const;
const GOOD = aCompared({ eligible: 5_000, agreeing: 5_000 });
const ID = 'orders.get';

/** What a process is made of, over state that outlives it. */
interface Process {
  readonly control: Control;
  readonly engine: PlanEngine;
  readonly guard: GuardWatch;
  tick(): Promise<void>;
  act(action: PlanAction, force?: boolean): Promise<unknown>;
  /** Stage, per cent, and the plan's status. */
  at(): string;
  end(): Promise<void>;
}

describe('a plan engine', () => {
  let folder: string;
  let nowMs: number;
  let compared: ComparedFacts;
  let served: ReturnType<typeof bothServed>;
  const running: Process[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-plan-'));
    nowMs = Date.parse('2026-01-05T10:00:00.000Z');
    compared = GOOD;
    served = bothServed(aServed(), aServed());
  });
  afterEach(async () => {
    for (const process of running.splice(0)) await process.end();
    rmSync(folder, { recursive: true, force: true });
  });

  interface Given {
    readonly mode?: 'act' | 'dry-run';
    readonly steps?: readonly unknown[];
    readonly requires?: string[];
    /** Sees each write to the store, and may delay or fail it. */
    readonly onPut?: (when: 'before' | 'after') => void | Promise<void>;
  }

  async function start({ mode = 'act', steps = STEPS, requires = [], onPut = () => {} }: Given = {}): Promise<Process> {
    const ledger = await openSqliteLedger(join(folder, 'gateway.db'));
    const flags = await openFileFlags(join(folder, 'flags.json'));
    const route = aRoute({ id: ID, plan: 'test', requires });
    const routes = compileRoutes([route]);
    const table = () => routes;
    const now = () => new Date(nowMs);
    const raised = () => {};
    const changes = await openChanges({ instance: 'host:1', ledger, evidence: () => ({}), now, onProblem: raised });
    const control = await openControl({ table, flags, ledger, changes, now, onProblem: raised });
    const measurements: Measurements = { compared: () => compared, totals: () => served, healthy: () => undefined };
    const store: PlanStore = {
      ...ledger.plans,
      async put(change) {
        await onPut('before');
        const put = await ledger.plans.put(change);
        await onPut('after');
        return put;
      },
    };
    const leadership = createLeadership(store, `process ${running.length} ${Math.random()}`, () => nowMs);
    const plans = () => ({ test: planSchema.parse({ mode, steps }) });
    const certificates = () => certificatesIn(join(folder, 'certificates'), undefined);
    const engine = new PlanEngine({
      ...{ table, plans, control, store, leadership, measurements, certificates, now, raised },
      onLook: () => {},
    });
    const guard = new GuardWatch({
      ...{ table, control, measurements, mayAct: () => leadership.token() !== undefined, nowMs: () => nowMs },
      isDryRun: () => mode === 'dry-run',
      onDecision: () => {},
    });
    let ended = false;
    const process: Process = {
      ...{ control, engine, guard },
      async tick() {
        await guard.look();
        await engine.tick();
      },
      act: (action, force = false) =>
        engine.act(ID, { action, force, expected: undefined, actor: { name: 'ops', source: 'api', reason: 'why' } }),
      at() {
        const { stage, percent } = control.route(ID);
        return `${stage} ${percent} ${engine.view(ID)?.status}`;
      },
      async end() {
        if (ended) return;
        ended = true;
        await flags.close();
        await ledger.close();
      },
    };
    running.push(process);
    await process.tick();
    return process;
  }

  /** A minute passes, in which both sides serve well. */
  function pass(minutes = 1): void {
    nowMs += minutes * 60_000;
    const more = (requests: number) => aServed(requests + 1_000);
    served = bothServed(more(served.legacy.requests), more(served.new.requests));
  }

  test('takes a route through all its steps, each after its time, and audits each with its gates', async () => {
    const { act, at, tick } = await start();
    assert.equal(at(), 'legacy 0 not_started');
    await act('start');
    const seen = [at()];
    for (let i = 0; i < 10; i++) {
      nowMs += 59_000;
      await tick();
      pass();
      await tick();
      if (seen.at(-1) !== at()) seen.push(at());
    }
    assert.deepEqual(seen, [
      'shadow 0 running',
      'canary 10 running',
      'canary 50 running',
      'live 100 running',
      'complete 100 completed',
    ]);
    const ledger = await openSqliteLedger(join(folder, 'gateway.db'));
    const entries = (await ledger.audit({ limit: 100 })).reverse();
    assert.deepEqual(
      entries.map(({ action, source }) => `${action} ${source}`),
      ['plan api', 'stage plan', 'stage plan', 'stage plan', 'stage plan', 'stage plan'],
    );
    assert.match(
      entries[2]?.reason ?? '',
      /^plan test, step 2 of 5: parity is at least 99\.94 %.*0 of 5,000 differ; new failed 0/,
    );
    assert.match(JSON.stringify(entries[2]?.evidence), /"gate":"parity","status":"pass"/);
    await ledger.close();
  });

  test('without data stays where it is, and says what is missing', async () => {
    const { act, at, tick, engine } = await start();
    compared = aCompared();
    await act('start');
    nowMs += 24 * 3_600_000;
    await tick();
    assert.equal(at(), 'shadow 0 running');
    assert.match(engine.view(ID)?.holds ?? '', /^parity: 0 compared, at least 200 are needed; errors: 0 requests/);
    await assert.rejects(act('promote'), (error) => error instanceof ControlError && error.kind === 'gate_not_met');
    await act('promote', true);
    assert.equal(at(), 'canary 10 running');
  });

  test('waits for the certificates that the route requires', async () => {
    const { act, at, tick, engine } = await start({ requires: ['orders'] });
    await act('start');
    pass(2);
    await tick();
    assert.match(engine.view(ID)?.holds ?? '', /^data: orders: there is no certificate .*orders\.json$/);
    mkdirSync(join(folder, 'certificates'));
    const write = (content: object) =>
      writeFileSync(join(folder, 'certificates', 'orders.json'), JSON.stringify({ job: 'orders', ...content }));
    const at5 = '2026-01-05T09:00:00.000Z';
    const refusals: [object, RegExp][] = [
      [{ result: 'failed', at: at5 }, /its verification of 2026-01-05T09:00:00.000Z failed/],
      [{ result: 'verified', at: at5, validUntil: at5 }, /its certificate ended/],
      [{ result: 'verified', at: '2027-01-05T09:00:00.000Z' }, /from the future/],
      [{ job: 'users', result: 'verified', at: at5 }, /is the certificate of users/],
      [{ result: 'perhaps' }, /is no certificate/],
    ];
    for (const [content, says] of refusals) {
      write(content);
      await tick();
      assert.match(engine.view(ID)?.holds ?? '', says);
    }
    write({ result: 'verified', at: at5 });
    await tick();
    assert.equal(at(), 'canary 10 running');
  });

  test('paused stays, while the guard goes on and takes the route back; started anew, it begins in shadow', async () => {
    const { act, at, tick, control } = await start();
    await act('start');
    pass(2);
    await tick();
    await act('pause');
    pass(2);
    await tick();
    assert.equal(at(), 'canary 10 paused');
    compared = aCompared({ eligible: 100, agreeing: 99, mismatches: 1, critical: [{ path: '$.price', count: 1 }] });
    await tick();
    assert.equal(at(), 'legacy 0 rolled_back');
    const { override } = control.route(ID);
    assert.deepEqual([override?.actor, override?.reason], [GUARD, 'critical: $.price differs in 1 requests']);
    assert.equal(override?.returnsTo.stage, 'shadow', 'lifting it brings nobody back to the new side');
    compared = GOOD;
    await act('start');
    pass(2);
    await tick();
    assert.equal(at(), 'legacy 0 running', 'the override still holds');
    await control.lift(ID, { name: 'ops', source: 'api', reason: 'fixed' });
    await tick();
    assert.equal(at(), 'canary 10 running');
  });

  test('whose route somebody else moves is paused, and goes back when resumed', async () => {
    const { act, at, tick, control, engine } = await start();
    await act('start');
    pass(2);
    await tick();
    await control.setStage(ID, { stage: 'canary', percent: 30 }, { name: 'ops', source: 'api', reason: 'impatient' });
    await tick();
    assert.equal(at(), 'canary 30 running');
    assert.match(engine.view(ID)?.holds ?? '', /^the route is in canary 30 %, where the plan has not put it/);
    nowMs += 5_000;
    await tick();
    assert.equal(at(), 'canary 30 paused');
    assert.match(engine.view(ID)?.note ?? '', /^the route was moved to canary 30 % by somebody else/);
    await act('resume');
    assert.equal(at(), 'canary 10 running');
    await act('abort');
    assert.equal(at(), 'legacy 0 aborted');
  });

  test('whose new leader sees late where the flags were moved is not paused for that', async () => {
    const { act, at, tick, control } = await start();
    await act('start');
    pass(2);
    await tick();
    assert.equal(at(), 'canary 10 running');
    const actor = {
      name: 'ops',
      source: 'api',
      reason: 'as a gateway sees it that reads its flag server late',
    } as const;
    await control.setStage(ID, { stage: 'shadow' }, actor);
    await tick();
    nowMs += 2_000;
    await control.setStage(ID, { stage: 'canary', percent: 10 }, actor);
    await tick();
    assert.equal(at(), 'canary 10 running');
    nowMs += 5_000;
    await tick();
    assert.equal(at(), 'canary 10 running');
  });

  test('as a dry run moves nothing, and says what it would have done', async () => {
    const { act, at, tick, control, guard } = await start({ mode: 'dry-run' });
    await act('start');
    await tick();
    assert.equal(at(), 'legacy 0 running');
    await control.setStage(ID, { stage: 'shadow' }, { name: 'ops', source: 'api', reason: 'by hand' });
    await tick();
    pass(2);
    await tick();
    await tick();
    const ledger = await openSqliteLedger(join(folder, 'gateway.db'));
    const [last] = await ledger.audit({ limit: 1 });
    await ledger.close();
    assert.equal(last?.reason, 'dry run: would move to canary 10 %');
    assert.equal(at(), 'shadow 0 running');
    await control.setStage(ID, { stage: 'canary', percent: 10 }, { name: 'ops', source: 'api', reason: 'by hand' });
    compared = aCompared({ eligible: 100, agreeing: 99, mismatches: 1, critical: [{ path: '$.price', count: 1 }] });
    await tick();
    assert.equal(guard.decision(ID).kind, 'roll_back');
    assert.equal(at(), 'canary 10 running');
  });

  test('that dies before or after any write, then the next process goes on as if nothing had been', async () => {
    const whole = await walk(undefined);
    assert.deepEqual(whole.places.at(-1), 'complete 100 completed');
    assert.ok(whole.writes >= 6, `${whole.writes} writes`);
    for (let dieAt = 0; dieAt < whole.writes * 2; dieAt++) {
      const { places } = await walk(dieAt);
      assert.deepEqual(places, whole.places, `died at moment ${dieAt}`);
    }
  });

  /** Walks a plan to its end; the process dies once, at the given moment of all its writes. Answers where the route was. */
  const FEW_STEPS = [STEPS[0], STEPS[1], STEPS[4]];

  async function walk(dieAt: number | undefined) {
    rmSync(folder, { recursive: true, force: true });
    folder = mkdtempSync(join(tmpdir(), 'banyan-plan-'));
    nowMs = Date.parse('2026-01-05T10:00:00.000Z');
    let moment = 0;
    let writes = 0;
    let isDead = false;
    const onPut = (when: 'before' | 'after') => {
      if (when === 'before') writes++;
      if (moment++ === dieAt) isDead = true;
      if (isDead) throw new Error('killed');
    };
    let process = await start({ steps: FEW_STEPS, onPut });
    await process.act('start').catch(() => {});
    const places: string[] = [];
    for (let i = 0; i < 6; i++) {
      if (isDead) {
        isDead = false;
        await process.end();
        process = await start({ steps: FEW_STEPS, onPut });
        if (process.at().endsWith('not_started')) await process.act('start');
      }
      await process.tick();
      if (isDead) continue;
      if (places.at(-1) !== process.at()) places.push(process.at());
      pass(2);
    }
    await process.end();
    return { places, writes };
  }

  test('that was paused while another began to lead has its late write refused, and moves nothing', async () => {
    let next: Process | undefined;
    const onPut = async () => {
      const other = next;
      next = undefined;
      await other?.tick(); // While this write is on its way, the other leads and moves the route itself.
    };
    const late = await start({ onPut });
    await late.act('start');
    const other = await start();
    pass(2);
    next = other;
    await late.engine.tick();
    assert.equal(next, undefined, 'the write was made while the other led');
    const ledger = await openSqliteLedger(join(folder, 'gateway.db'));
    const moves = (await ledger.audit({ limit: 100 })).filter(
      ({ action, source }) => action === 'stage' && source === 'plan',
    );
    await ledger.close();
    assert.deepEqual(
      moves.map(({ after }) => after),
      [
        { percent: 10, mirrorPercent: 100 },
        { percent: 0, mirrorPercent: 100 },
      ],
    );
  });
});
