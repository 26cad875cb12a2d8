import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALL_ROUTES, type AuditEntry, type StoredAuditEntry } from '../../../gateway/ledger/ledger.ts';
import { createLastFlips } from '../../../gateway/operator/last-flips.ts';

/** A ledger with entries, the oldest first, and how often each of its questions was asked. */
function ledgerOf(entries: Pick<AuditEntry, 'at' | 'actor' | 'action' | 'scope'>[]) {
  const asked = { audit: 0, after: 0 };
  const stored = () => entries.map((entry, index) => ({ id: index + 1, ...entry }) as StoredAuditEntry);
  const ledger = {
    audit: async ({ limit }: { limit: number }) => {
      asked.audit++;
      return stored().reverse().slice(0, limit);
    },
    auditAfter: async ({ after, limit }: { after: number; limit: number }) => {
      asked.after++;
      return stored()
        .filter(({ id }) => id > after)
        .slice(0, limit);
    },
  };
  return { ledger: ledger as unknown as Parameters<typeof createLastFlips>[0]['ledger'], asked };
}

const entry = (scope: string, action: AuditEntry['action'], second: number, actor = 'ops') => ({
  ...{ scope, action, actor },
  at: `2026-01-05T10:00:${String(second).padStart(2, '0')}.000Z`,
});

describe('the last flip of a route', () => {
  it('is the newest that moved who serves, by whomever', async () => {
    const entries = [
      entry('a', 'stage', 1),
      entry('a', 'stage', 2, 'plan'),
      entry('a', 'add_rule', 3),
      entry('b', 'plan', 4),
    ];
    const { ledger } = ledgerOf(entries);
    const flips = createLastFlips({ ledger, raised: assert.fail });
    await flips.refresh();
    assert.deepEqual(flips.of('a'), { at: '2026-01-05T10:00:02.000Z', actor: 'plan', action: 'stage' });
    assert.equal(flips.of('b'), undefined);
  });

  it('is that of all routes where it came later', async () => {
    const { ledger } = ledgerOf([entry('a', 'stage', 1), entry(ALL_ROUTES, 'rollback', 2), entry('b', 'stage', 3)]);
    const flips = createLastFlips({ ledger, raised: assert.fail });
    await flips.refresh();
    assert.deepEqual(
      [flips.of('a')?.action, flips.of('b')?.action, flips.of('c')?.action],
      ['rollback', 'stage', 'rollback'],
    );
  });

  it('is read once, and from then on only what has come since', async () => {
    const entries = [entry('a', 'stage', 1)];
    const { ledger, asked } = ledgerOf(entries);
    const flips = createLastFlips({ ledger, raised: assert.fail });
    await flips.refresh();
    entries.push(entry('a', 'rollback', 2));
    await flips.refresh();
    assert.equal(flips.of('a')?.action, 'rollback');
    assert.deepEqual(asked, { audit: 1, after: 1 });
  });

  it('is as it was where the ledger cannot be read, which is reported', async () => {
    const { ledger } = ledgerOf([entry('a', 'stage', 1)]);
    const failures: string[] = [];
    const flips = createLastFlips({ ledger, raised: (operation) => failures.push(operation) });
    await flips.refresh();
    ledger.auditAfter = () => Promise.reject(new Error('away'));
    await flips.refresh();
    assert.deepEqual([flips.of('a')?.action, failures], ['stage', ['ledger.audit']]);
  });
});
