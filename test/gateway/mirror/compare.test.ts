import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { judge, type Verdict } from '../../../gateway/mirror/compare.ts';
import { compileRules, type RulesFor } from '../../../gateway/mirror/rules.ts';
import type { Side } from '../../../gateway/routing/side.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { documents, writeAnyhow } from '../../helpers/json-documents.ts';
import { anObservation } from '../../helpers/observations.ts';

type Answer = Parameters<typeof anObservation>[1];

function rulesOf(given: Parameters<typeof aCompareConfig>[0] = {}): RulesFor {
  return (statusClass) => compileRules(aCompareConfig(given), { today: '2026-01-05', statusClass });
}
function judged(legacy: Answer, fresh: Answer, rules: RulesFor = rulesOf(), copied: Side = 'new'): Promise<Verdict> {
  return judge({ legacy: anObservation('legacy', legacy), new: anObservation('new', fresh), copied }, rules);
}
const brief = ({ outcome, differences }: Verdict) => [
  outcome,
  ...differences.map(({ kind, path }) => `${kind} ${path}`),
];
const json = (name: string, value: string) => ['Content-Type', 'application/json', name, value];

describe('both answered', () => {
  test('equal bytes, then match', async () => {
    assert.deepEqual(await judged({}, {}), { outcome: 'match', differences: [], detail: undefined });
  });

  test('the same document in other spellings, then match', async () => {
    await fc.assert(
      fc.asyncProperty(documents, fc.integer(), async (document, seed) => {
        const verdict = await judged({ body: writeAnyhow(document, seed) }, { body: writeAnyhow(document, seed + 1) });
        assert.equal(verdict.outcome, 'match');
      }),
    );
  });

  test('another value, then mismatch with its place', async () => {
    assert.deepEqual(brief(await judged({ body: { a: 1 } }, { body: { a: 2 } })), ['mismatch', 'changed $.a']);
  });

  test('only what rules ignore, then ignored, the differences with their rules', async () => {
    const rules = rulesOf({ ignore: [{ path: '$.t', ...REVIEWED }] });
    const verdict = await judged({ body: { a: 1, t: 1 } }, { body: { a: 1, t: 2 } }, rules);
    assert.deepEqual(brief(verdict), ['ignored', 'changed $.t']);
    assert.equal(verdict.differences[0]?.rule, '$.t');
    assert.equal((await judged({ body: { a: 1, t: 1 } }, { body: { a: 2, t: 2 } }, rules)).outcome, 'mismatch');
  });

  test('another status of the same class, then that, and the bodies all the same', async () => {
    const verdict = await judged({ status: 200, body: { a: 1 } }, { status: 201, body: { a: 2 } });
    assert.deepEqual(brief(verdict), ['mismatch', 'changed status', 'changed $.a']);
    assert.deepEqual([verdict.differences[0]?.legacy, verdict.differences[0]?.new], ['200', '201']);
  });

  test('another class, then the status says it, and the bodies are not held against each other', async () => {
    assert.deepEqual(brief(await judged({ status: 200, body: { a: 1 } }, { status: 404, body: { detail: 'x' } })), [
      'mismatch',
      'changed status',
    ]);
  });

  test('a critical status, then critical; an ignored one, then ignored', async () => {
    const critical = await judged({ status: 200 }, { status: 201 }, rulesOf({ critical: ['status'] }));
    assert.equal(critical.differences[0]?.critical, true);
    const ignored = await judged(
      { status: 200 },
      { status: 201 },
      rulesOf({ ignore: [{ path: 'status', ...REVIEWED }] }),
    );
    assert.equal(ignored.outcome, 'ignored');
  });

  test('a rule for 4xx, then it holds where both are 4xx and nowhere else', async () => {
    const rules = rulesOf({ ignore: [{ path: '$.type', status: '4xx', ...REVIEWED }] });
    const [legacy, fresh] = [{ detail: 'x' }, { detail: 'x', type: 'about:blank' }];
    assert.equal((await judged({ status: 404, body: legacy }, { status: 404, body: fresh }, rules)).outcome, 'ignored');
    assert.equal(
      (await judged({ status: 400, body: legacy }, { status: 404, body: fresh }, rules)).outcome,
      'mismatch',
    );
    assert.equal(
      (await judged({ status: 200, body: legacy }, { status: 200, body: fresh }, rules)).outcome,
      'mismatch',
    );
  });
});

describe('statuses that a rule maps', () => {
  const rules = rulesOf({
    enums: [
      {
        path: 'status',
        values: [
          { legacy: 200, new: 201 },
          { legacy: 500, new: 422 },
        ],
        ...REVIEWED,
      },
    ],
  });
  const verdictOn = async (legacy: number, fresh: number, body: object = {}) =>
    brief(await judged({ status: legacy }, { status: fresh, body }, rules));

  test('one for the other, then the same, and the bodies are compared', async () => {
    assert.deepEqual(await verdictOn(200, 201), ['match']);
    assert.deepEqual(await verdictOn(200, 201, { a: 1 }), ['mismatch', 'extra $.a']);
    assert.deepEqual(await verdictOn(201, 200), ['mismatch', 'changed status']);
    assert.deepEqual(await verdictOn(200, 202), ['mismatch', 'changed status']);
  });

  test("a server's error that the rule knows, then an answer like any other", async () => {
    assert.deepEqual(await verdictOn(500, 422), ['match']);
    assert.deepEqual(await verdictOn(500, 422, { a: 1 }), ['mismatch', 'extra $.a']);
    assert.deepEqual(await verdictOn(503, 422), ['legacy_error']);
  });
});

describe('headers', () => {
  test('rules hold for their values: numbers, timestamps, what is the same in other case', async () => {
    const compared = rulesOf({
      headers: ['X-Price', 'Expires', 'X-Kind'],
      normalise: [{ path: 'header:x-price', as: 'number', ...REVIEWED }],
      tolerate: [{ path: 'header:Expires', withinMs: 2_000, ...REVIEWED }],
      enums: [{ path: 'header:x-kind', ignoreCase: true, ...REVIEWED }],
    });
    const headers = (price: string, second: string, kind: string) => ({
      headers: ['X-Price', price, 'Expires', `Mon, 05 Jan 2026 10:00:${second} GMT`, 'X-Kind', kind],
    });
    assert.deepEqual(brief(await judged(headers('1.0', '00', 'A'), headers('1', '02', 'a'), compared)), ['match']);
    assert.deepEqual(brief(await judged(headers('1.0', '00', 'A'), headers('2', '03', 'b'), compared)), [
      'mismatch',
      'changed header:x-price',
      'changed header:expires',
      'changed header:x-kind',
    ]);
  });

  test('a Content-Type in another spelling, then the same; JSON is in UTF-8, whether or not it says so', async () => {
    const typed = async (legacy: string, fresh: string) =>
      (await judged({ headers: ['Content-Type', legacy] }, { headers: ['content-type', fresh] })).outcome;
    assert.equal(await typed('Application/JSON; charset=utf-8', 'application/json'), 'match');
    assert.equal(await typed('text/html;charset=UTF-8', 'text/html; charset="utf-8"'), 'match');
    assert.equal(await typed('text/html', 'text/html; charset=utf-8'), 'mismatch');
    assert.equal(await typed('application/json', 'application/problem+json'), 'mismatch');
  });

  const compared = rulesOf({ headers: ['X-A', 'Link'] });
  const rows: readonly (readonly [what: string, legacy: string[], fresh: string[], found: readonly string[]])[] = [
    ['the same in another case of the name', ['X-A', '1'], ['x-a', '1'], ['match']],
    ['another value', ['X-A', '1'], ['X-A', '2'], ['mismatch', 'changed header:x-a']],
    ['only legacy has it', ['X-A', '1'], [], ['mismatch', 'missing header:x-a']],
    ['only new has it', [], ['X-A', ''], ['mismatch', 'extra header:x-a']],
    ['a field that nobody compares', ['X-B', '1'], ['X-B', '2'], ['match']],
    [
      'a second value that differs',
      ['Link', 'a', 'link', 'b'],
      ['Link', 'a', 'Link', 'c'],
      ['mismatch', 'changed header:link'],
    ],
    ['a second value that is missing', ['Link', 'a', 'Link', 'b'], ['Link', 'a'], ['mismatch', 'changed header:link']],
    ['two lines and one with both', ['Link', 'a', 'Link', 'b'], ['Link', 'a, b'], ['match']],
  ];
  for (const [what, legacy, fresh, found] of rows) {
    test(`${what}: ${found.join(' ')}`, async () => {
      assert.deepEqual(brief(await judged({ headers: legacy }, { headers: fresh }, compared)), found);
    });
  }

  test('a header under a rule, then ignored', async () => {
    const rules = rulesOf({ headers: ['X-A'], ignore: [{ path: 'header:x-A', ...REVIEWED }] });
    assert.equal((await judged({ headers: ['X-A', '1'] }, { headers: [] }, rules)).outcome, 'ignored');
  });

  test('content-type is compared unless the route says otherwise', async () => {
    const headers = ['Content-Type', 'text/json'];
    assert.deepEqual(brief(await judged({}, { headers })), ['mismatch', 'changed header:content-type']);
    assert.deepEqual(brief(await judged({}, { headers }, rulesOf({ headers: [] }))), ['match']);
  });
});

describe('codings', () => {
  const encoders = { gzip: gzipSync, deflate: deflateSync, zstd: zstdCompressSync };
  for (const [coding, encode] of Object.entries(encoders)) {
    test(`${coding} on one side and nothing on the other, then the meaning is compared`, async () => {
      const headers = json('Content-Encoding', coding);
      assert.equal((await judged({ body: { a: 1 } }, { headers, body: encode('{ "a": 1 }') })).outcome, 'match');
      const verdict = await judged({ headers, body: encode('{"a":1}') }, { body: { a: 2 } });
      assert.deepEqual(brief(verdict), ['mismatch', 'changed $.a']);
    });
  }

  test('Brotli on both sides with the same bytes, then match without decoding', async () => {
    const answer = { headers: json('Content-Encoding', 'br'), body: brotliCompressSync('{}') };
    assert.equal((await judged(answer, answer)).outcome, 'match');
  });

  test('a coding that nobody knows on one side, then incomparable, and why', async () => {
    const verdict = await judged({}, { headers: json('Content-Encoding', 'compress'), body: brotliCompressSync('{}') });
    assert.deepEqual(verdict, {
      outcome: 'incomparable',
      differences: [],
      detail: 'a content coding is unknown or broken',
    });
  });

  test('a coding that is claimed but not there, then incomparable', async () => {
    const verdict = await judged({}, { headers: json('Content-Encoding', 'gzip'), body: '{}' });
    assert.equal(verdict.outcome, 'incomparable');
  });

  test('HEAD: no bodies, one side names a coding, then match', async () => {
    assert.equal(
      (await judged({ body: '' }, { headers: json('Content-Encoding', 'gzip'), body: '' })).outcome,
      'match',
    );
  });
});

describe('bodies that are no JSON', () => {
  const text = (type: string, body: string | Buffer) => ({ headers: ['Content-Type', type], body });
  const rows: readonly (readonly [what: string, legacy: Answer, fresh: Answer, found: readonly string[]])[] = [
    ['other text', text('text/html', 'a'), text('text/html', 'b'), ['mismatch', 'changed body:line[*]']],
    ['JSON that is none', { body: 'oops' }, { body: 'ouch' }, ['mismatch', 'changed $']],
    ['JSON on one side only', { body: {} }, { body: 'oops' }, ['mismatch', 'type $']],
    [
      'JSON under another type',
      text('text/plain', '{"a":1}'),
      text('text/plain', '{ "a":1}'),
      ['mismatch', 'changed body:line[*]'],
    ],
    [
      'bytes that are no UTF-8',
      { body: Buffer.from('22ff22', 'hex') },
      { body: Buffer.from('22fe22', 'hex') },
      ['mismatch', 'changed $'],
    ],
    ['nothing and JSON', { body: '' }, { body: {} }, ['mismatch', 'type $']],
    [
      'problem+json',
      text('application/problem+json', '{"a":1}'),
      text('application/problem+json', '{ "a":1}'),
      ['match'],
    ],
    [
      'a type with parameters',
      text('application/json; charset=utf-8', '{"a":1}'),
      text('application/json; charset=utf-8', '{"a": 1}'),
      ['match'],
    ],
    ['a byte order mark', { body: '\ufeff{"a":1}' }, { body: '{"a":1}' }, ['match']],
  ];
  for (const [what, legacy, fresh, found] of rows) {
    test(`${what}: ${found.join(' ')}`, async () => assert.deepEqual(brief(await judged(legacy, fresh)), found));
  }

  test('they are described, never quoted: nobody knows what is in them', async () => {
    const { differences } = await judged(
      { body: '{"password":"hunter2"}' },
      text('text/html', '<b>hunter2</b>'),
      rulesOf({ headers: [] }),
    );
    assert.deepEqual(
      [differences[0]?.legacy, differences[0]?.new],
      ['22 bytes, application/json, sha256 7881d759c44f0e45…', '14 bytes, text/html, sha256 3df316a890dc7110…'],
    );
  });

  test('a document where another was expected and a critical field in it, then critical', async () => {
    const { differences } = await judged({ body: { price: 1 } }, { body: 'oops' }, rulesOf({ critical: ['$.price'] }));
    assert.equal(differences[0]?.critical, true);
  });
});
