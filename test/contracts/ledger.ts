// What every ledger promises; see gateway/ledger/ledger.ts.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createChainVerifier, GENESIS, hashOf } from '../../gateway/ledger/audit-chain.ts';
import type { MovedBy } from '../../gateway/ledger/flag-move.ts';
import {
  ALL_ROUTES,
  type AuditEntry,
  type GatewayLedger,
  type Override,
  RULES,
  type StoredRule,
} from '../../gateway/ledger/ledger.ts';

/** Whether it can be away is not looked at here. */
export type StoredLedger = Omit<GatewayLedger, 'standing'>;

export interface LedgerSubject {
  open(): Promise<StoredLedger>;
  /** Closes and opens again over the same state, as after a restart. */
  reopen(ledger: StoredLedger): Promise<StoredLedger>;
  /** Removes the state. */
  dispose(): Promise<void>;
}

export function auditEntry(change: Partial<AuditEntry> = {}): AuditEntry {
  return {
    at: '2026-01-01T00:00:00.000Z',
    actor: 'ops',
    source: 'api',
    action: 'stage',
    scope: 'a.route',
    reason: 'because',
    before: { percent: 0 },
    after: { percent: 100 },
    evidence: null,
    requestId: undefined,
    instance: 'host:1',
    ...change,
  };
}

export function override(scope: string): Override {
  return { scope, side: 'legacy', reason: 'fire', actor: 'ops', at: '2026-01-01T00:00:00.000Z' };
}

export function storedRule(id: string, change: Partial<StoredRule> = {}): StoredRule {
  return {
    id,
    route: 'a.route',
    kind: 'ignore',
    rule: { path: '$.x', reason: 'known', owner: 'trading', expires: '2026-02-01' },
    permanent: undefined,
    actor: 'ops',
    at: '2026-01-01T00:00:00.000Z',
    ...change,
  };
}

export function describeLedger(name: string, subject: () => LedgerSubject): void {
  describe(`the ${name} ledger`, () => {
    let current: LedgerSubject;
    let ledger: StoredLedger;
    beforeEach(async () => {
      current = subject();
      ledger = await current.open();
    });
    afterEach(async () => {
      await ledger.close();
      await current.dispose();
    });

    describe('recording moves of flags', () => {
      const SCOPE = 'a.route';
      const record = (flags: string, by: MovedBy) =>
        ledger.recordMove({ scope: SCOPE, override: undefined, audit: auditEntry() }, { flags, by });
      /** How many audit entries there are, of a chain that holds. */
      const entries = async () => {
        const verifier = createChainVerifier();
        for (const entry of await ledger.auditAfter({ after: 0, limit: 100 })) verifier.add({ ...entry });
        const { entries: count, head, broken } = verifier.result();
        assert.deepEqual([broken, head], [undefined, await ledger.auditHead()]);
        return count;
      };

      it('takes every move of an operator, and knows the last of each route after a restart', async () => {
        assert.deepEqual(await ledger.lastMoves(), new Map());
        assert.deepEqual(await record('10 100', { kind: 'operator' }), { kind: 'recorded', revision: 1, move: 1 });
        assert.deepEqual(await record('10 100', { kind: 'operator' }), { kind: 'recorded', revision: 2, move: 2 });
        assert.equal(await entries(), 2);
        ledger = await current.reopen(ledger);
        assert.deepEqual(await ledger.lastMoves(), new Map([[SCOPE, { move: 2, flags: '10 100' }]]));
      });

      it('takes what is seen in the flag source once, even late, and again when it was moved back meanwhile', async () => {
        await record('10 100', { kind: 'operator' });
        assert.deepEqual(await record('10 100', { kind: 'source', since: 0 }), { kind: 'known', move: 1 });
        assert.equal((await record('20 100', { kind: 'source', since: 1 })).kind, 'recorded');
        assert.deepEqual(await record('20 100', { kind: 'source', since: 1 }), { kind: 'known', move: 2 });
        assert.equal((await record('10 100', { kind: 'source', since: 2 })).kind, 'recorded');
        assert.deepEqual(await record('20 100', { kind: 'source', since: 1 }), { kind: 'known', move: 2 }, 'seen late');
        assert.equal((await record('20 100', { kind: 'source', since: 3 })).kind, 'recorded');
        assert.equal(await entries(), 4);
        for (let i = 0; i < 40; i++) await record(`${i} 0`, { kind: 'operator' });
        assert.equal((await record('10 100', { kind: 'source', since: 0 })).kind, 'recorded', 'not all are remembered');
      });

      it("takes a plan's move once, from the one that leads, and only as the plan is stored", async () => {
        const { plans } = ledger;
        const token = await plans.lead('one', 60_000);
        assert.ok(token !== undefined);
        const put = (revision: number) => plans.put({ route: SCOPE, document: '{}', revision, token: undefined });
        const fenced = { kind: 'fenced' };
        assert.deepEqual(await record('10 100', { kind: 'plan', token, revision: 1 }), fenced, 'no plan is stored');
        await put(0);
        const first = { kind: 'plan', token, revision: 1 } as const;
        assert.deepEqual(await record('10 100', first), { kind: 'recorded', revision: 1, move: 1 });
        assert.deepEqual(await record('10 100', first), { kind: 'known', move: 1 });
        await record('0 100', { kind: 'operator' });
        assert.equal((await record('10 100', first)).kind, 'recorded', 'it was undone meanwhile');
        await put(1);
        assert.deepEqual(await record('20 100', first), fenced, 'the plan has gone on');
        await plans.resign('one');
        const next = await plans.lead('two', 60_000);
        assert.ok(next !== undefined);
        assert.deepEqual(await record('20 100', { kind: 'plan', token, revision: 2 }), fenced, 'another leads');
        assert.equal((await record('20 100', { kind: 'plan', token: next, revision: 2 })).kind, 'recorded');
        assert.equal(await entries(), 4);
      });
    });

    it('keeps pairs of ids over a restart, in the order in which they came, and forgets what it is told to', async () => {
      const { ids } = ledger;
      const [a, b, c] = ['a', 'b', 'c'].map((id) => ({ name: 'order', legacy: `"${id}"`, new: `${id.charCodeAt(0)}` }));
      assert.ok(a && b && c);
      assert.deepEqual(await ids.load(), []);
      const three = [c, a, b].map((pair) => ({ pair, kept: true }));
      await ids.save(three, 10);
      await ids.save(
        [
          { pair: a, kept: true },
          { pair: b, kept: false },
        ],
        10,
      );
      ledger = await current.reopen(ledger);
      assert.deepEqual(await ledger.ids.load(), [c, a]);
      await ledger.ids.save([{ pair: b, kept: true }], 2);
      assert.deepEqual(await ledger.ids.load(), [a, b], 'the newest two');
    });

    it('is empty at first', async () => {
      assert.deepEqual(await ledger.overrides(), []);
      assert.deepEqual(await ledger.rules(), []);
      assert.deepEqual([...(await ledger.revisions())], []);
      assert.deepEqual(await ledger.audit({ limit: 10 }), []);
    });

    it('counts revisions a scope', async () => {
      const change = (scope: string) => ({ scope, override: undefined, audit: auditEntry({ scope }) });
      assert.equal(await ledger.commit(change('a.route')), 1);
      assert.equal(await ledger.commit(change('a.route')), 2);
      assert.equal(await ledger.commit(change('b.route')), 1);
      assert.deepEqual([...(await ledger.revisions())].sort(), [
        ['a.route', 2],
        ['b.route', 1],
      ]);
    });

    it('keeps overrides over a restart until they are lifted', async () => {
      for (const scope of ['a.route', ALL_ROUTES]) {
        await ledger.commit({ scope, override: override(scope), audit: auditEntry({ scope, action: 'rollback' }) });
      }
      ledger = await current.reopen(ledger);
      assert.deepEqual(await ledger.overrides(), [override(ALL_ROUTES), override('a.route')]);
      await ledger.commit({ scope: 'a.route', override: 'lift', audit: auditEntry({ action: 'lift' }) });
      ledger = await current.reopen(ledger);
      assert.deepEqual(await ledger.overrides(), [override(ALL_ROUTES)]);
    });

    it('keeps rules over a restart until they are removed, oldest first', async () => {
      const later = storedRule('1', { at: '2026-01-02T00:00:00.000Z', permanent: 'the old spelling stays' });
      const rules = [storedRule('2'), later];
      for (const rule of [...rules].reverse()) {
        await ledger.commit({ scope: RULES, override: undefined, rule, audit: auditEntry({ action: 'add_rule' }) });
      }
      ledger = await current.reopen(ledger);
      assert.deepEqual(await ledger.rules(), rules);
      const removal = { rule: { remove: '2' }, audit: auditEntry({ action: 'remove_rule' }) };
      assert.equal(await ledger.commit({ scope: RULES, override: undefined, ...removal }), 3);
      ledger = await current.reopen(ledger);
      assert.deepEqual(await ledger.rules(), [later]);
      assert.deepEqual(
        (await ledger.audit({ limit: 10 })).map(({ action }) => action),
        ['remove_rule', 'add_rule', 'add_rule'],
      );
    });

    it('refuses a second rule of one id, and stores nothing of it', async () => {
      const change = { scope: RULES, override: undefined, rule: storedRule('1'), audit: auditEntry() };
      assert.equal(await ledger.commit(change), 1);
      await assert.rejects(ledger.commit(change));
      assert.equal((await ledger.audit({ limit: 10 })).length, 1);
      assert.deepEqual([...(await ledger.revisions())], [[RULES, 1]]);
    });

    it('answers audit entries whole, newest first, by scope and before an entry', async () => {
      const reasons = ['one', 'two', 'three'];
      for (const [index, reason] of reasons.entries()) {
        const scope = index === 1 ? 'b.route' : 'a.route';
        const audit = auditEntry({ scope, reason, evidence: { parity: 0.5 }, requestId: `r${index}` });
        await ledger.commit({ scope, override: undefined, audit });
      }
      const all = await ledger.audit({ limit: 10 });
      assert.deepEqual(
        all.map(({ reason }) => reason),
        ['three', 'two', 'one'],
      );
      const first = {
        id: 1,
        ...auditEntry({ reason: 'one', evidence: { parity: 0.5 }, requestId: 'r0' }),
        prev: GENESIS,
      };
      assert.deepEqual(all[2], { ...first, hash: hashOf(first) });
      assert.deepEqual(
        (await ledger.audit({ limit: 10, scope: 'a.route' })).map(({ reason }) => reason),
        ['three', 'one'],
      );
      assert.deepEqual(
        (await ledger.audit({ limit: 1, before: 3 })).map(({ reason }) => reason),
        ['two'],
      );
    });

    it('chains audit entries, over a restart too, and pages through them from the oldest', async () => {
      assert.equal(await ledger.auditHead(), undefined);
      const awkward = { at: undefined, z: [1.5, -0, 1e21, { b: null, a: 'é\u2028"\\' }], '': true };
      for (let i = 0; i < 5; i++) {
        if (i === 3) ledger = await current.reopen(ledger);
        const audit = auditEntry({ reason: `${i}`, evidence: awkward, requestId: i % 2 ? `r${i}` : undefined });
        await ledger.commit({ scope: 'a.route', override: undefined, audit });
      }
      const pages = [];
      for (const after of [0, 2, 4, 5]) pages.push(await ledger.auditAfter({ after, limit: 2 }));
      assert.deepEqual(
        pages.map((page) => page.map(({ id }) => id)),
        [[1, 2], [3, 4], [5], []],
      );
      const verifier = createChainVerifier();
      for (const entry of pages.flat()) verifier.add(JSON.parse(JSON.stringify(entry)));
      const { entries, head, broken } = verifier.result();
      assert.deepEqual([entries, broken, head], [5, undefined, await ledger.auditHead()]);
    });

    it('stores nothing of a change that fails', async () => {
      const cyclic: Record<string, unknown> = {};
      cyclic.self = cyclic;
      const audit = auditEntry({ evidence: cyclic });
      await assert.rejects(ledger.commit({ scope: 'a.route', override: override('a.route'), audit }));
      assert.deepEqual(await ledger.overrides(), []);
      assert.deepEqual([...(await ledger.revisions())], []);
      assert.equal(await ledger.commit({ scope: 'a.route', override: undefined, audit: auditEntry() }), 1);
    });

    it('keeps any text as it is', async () => {
      const reason = 'line\nbreak, "quotes", \u0000, 雪, <script>';
      await ledger.commit({ scope: 'a.route', override: undefined, audit: auditEntry({ reason }) });
      assert.equal((await ledger.audit({ limit: 1 }))[0]?.reason, reason);
    });
  });
}
