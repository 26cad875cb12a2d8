// The chain of the audit log: what breaks it, and what is said of that.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createChainVerifier, GENESIS, hashOf, linkAfter } from '../../../gateway/ledger/audit-chain.ts';
import { canonicalJson } from '../../../gateway/ledger/canonical-json.ts';
import type { StoredAuditEntry } from '../../../gateway/ledger/ledger.ts';
import { auditEntry } from '../../contracts/ledger.ts';

function aLog(length: number): StoredAuditEntry[] {
  const log: StoredAuditEntry[] = [];
  for (let i = 1; i <= length; i++) log.push(linkAfter(log.at(-1), auditEntry({ reason: `${i}`, after: { n: i } })));
  return log;
}

function verify(entries: readonly object[], known?: string) {
  const verifier = createChainVerifier(known);
  for (const entry of entries) verifier.add({ ...entry });
  return verifier.result();
}

describe('the canonical JSON of an entry', () => {
  it('is that of RFC 8785: names sorted by code units, numbers and texts as ECMAScript writes them', () => {
    // The example of the RFC's section 3.2.2, and the names of its section 3.2.3.
    const given = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    );
    assert.equal(
      canonicalJson(given),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
    const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    const text = canonicalJson(Object.fromEntries(names.map((name) => [name, 0])));
    assert.equal(text, `{${sorted.map((name) => `${JSON.stringify(name)}:0`).join()}}`);
  });

  it('is the same in whatever order members come, and after JSON was written and read', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const reversed = (each: unknown): unknown => {
          if (Array.isArray(each)) return each.map(reversed);
          if (typeof each !== 'object' || each === null) return each;
          return Object.fromEntries(
            Object.entries(each)
              .reverse()
              .map(([name, member]) => [name, reversed(member)]),
          );
        };
        assert.equal(canonicalJson(reversed(value)), canonicalJson(value));
        assert.equal(canonicalJson(JSON.parse(JSON.stringify(value))), canonicalJson(value));
      }),
    );
  });
});

describe('the chain', () => {
  it('holds for a log as it was stored; a hash is SHA-256 of what docs/audit.md says', () => {
    const log = aLog(3);
    assert.deepEqual(verify(log), { entries: 3, head: { id: 3, hash: log[2]?.hash }, broken: undefined });
    const { hash, ...covered } = log[0] ?? assert.fail();
    const text =
      '{"action":"stage","actor":"ops","after":{"n":1},"at":"2026-01-01T00:00:00.000Z","before":{"percent":0},' +
      `"evidence":null,"id":1,"instance":"host:1","prev":"${GENESIS}","reason":"1","scope":"a.route","source":"api"}`;
    assert.equal(canonicalJson(covered), text);
    assert.equal(hash, createHash('sha256').update(text).digest('hex'));
    assert.deepEqual(verify([]), { entries: 0, head: undefined, broken: undefined });
  });

  it('breaks at the entry where anything at all was changed, moved, removed or put in', () => {
    const log = aLog(6);
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.constantFrom('reason', 'at', 'evidence', 'id', 'prev', 'hash', 'extra'),
        (at, member) => {
          const changed = log.map((entry, index) => (index === at ? { ...entry, [member]: 'forged' } : entry));
          assert.equal(verify(changed).broken !== undefined, true);
          assert.equal(verify(changed).entries, at);
          const removed = log.toSpliced(at, 1);
          assert.equal(verify(removed).broken?.id, at + 2, 'the one after it');
          assert.equal(verify(log.toSpliced(at + 1, 0, ...log.slice(at, at + 1))).broken?.id, at + 1, 'twice');
        },
      ),
    );
  });

  it('breaks where an entry was changed and hashed anew: at the next one', () => {
    const [first, second, third] = aLog(3);
    assert.ok(first && second && third);
    const forged = { ...second, reason: 'forged' };
    const { broken } = verify([first, { ...forged, hash: hashOf(forged) }, third]);
    assert.equal(broken?.id, 3);
    assert.match(broken.problem, /^its prev is [0-9a-f]{64}, and entry 2 before it has the hash [0-9a-f]{64}: /);
  });

  it('says what was changed, and what its hash should be', () => {
    const [first, second] = aLog(2);
    assert.ok(first && second);
    const forged = { ...second, actor: 'nobody' };
    const { broken, head, entries } = verify([first, forged]);
    assert.equal(broken?.problem, `its hash is ${second.hash}, and its content has ${hashOf(forged)}: it was changed`);
    assert.deepEqual([broken.id, head?.id, entries], [2, 1, 1]);
  });

  it('shows a cut end only to those who know a hash that lay behind', () => {
    const log = aLog(4);
    const cut = log.slice(0, 3);
    assert.equal(verify(cut).broken, undefined);
    assert.equal(verify(log, cut[2]?.hash).broken, undefined, 'it has grown since');
    const { broken } = verify(cut, log[3]?.hash);
    assert.equal(broken?.id, undefined);
    assert.match(broken?.problem ?? '', /^no entry has the hash [0-9a-f]{64}, and it ends with entry 3, whose hash is/);
    assert.match(verify([], log[3]?.hash).broken?.problem ?? '', /, and it is empty: its end was cut off/);
  });

  it('breaks where something is no entry of a chain at all', () => {
    assert.match(verify([{ id: 1, at: 'x' }]).broken?.problem ?? '', /^it is no entry of a chained log/);
    assert.equal(verify([{}]).broken?.id, undefined);
  });
});
