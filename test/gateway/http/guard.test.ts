import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type RequestHead, refusalOfHead, refusalOfUpgrade } from '../../../gateway/http/guard.ts';

const LIMITS = { headerCountMax: 100, urlBytesMax: 1_000 };
const head = (rawHeaders: readonly string[], given: Partial<RequestHead> = {}): RequestHead => ({
  ...{ method: 'GET', url: '/', httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders },
  ...given,
});

const harmless = fc
  .stringMatching(/^[A-Za-z-]{1,18}$/)
  .filter((name) => !/^(?:host|content-length|transfer-encoding)$/i.test(name));
const fields = fc.array(fc.tuple(harmless, fc.string()), { maxLength: 20 });
const inSomeCase = (name: string) =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((upper) => [...name].map((letter, index) => (upper[index] ? letter.toUpperCase() : letter)).join(''));

/** The fields given, with others put in anywhere. */
function withAmong(others: readonly (readonly [name: string, value: string])[]) {
  const spelled = fc.tuple(...others.map(([name, value]) => inSomeCase(name).map((text) => [text, value] as const)));
  return fc.tuple(fields, spelled, fc.infiniteStream(fc.nat())).map(([given, extra, places]) => {
    const all: (readonly [string, string])[] = [...given];
    for (const field of extra) all.splice(Number(places.next().value) % (all.length + 1), 0, field);
    return all.flat();
  });
}

describe('a request head', () => {
  for (const [name, others, reason] of [
    ['with one Host', [['host', 'shop.example:8080']], undefined],
    [
      'with one Host and a length',
      [
        ['host', 'x'],
        ['content-length', '5'],
      ],
      undefined,
    ],
    [
      'with one Host, chunked',
      [
        ['host', 'x'],
        ['transfer-encoding', 'Chunked'],
      ],
      undefined,
    ],
    ['without Host', [], 'host'],
    [
      'with two',
      [
        ['host', 'x'],
        ['host', 'x'],
      ],
      'host',
    ],
    [
      'with a length and chunked',
      [
        ['host', 'x'],
        ['content-length', '5'],
        ['transfer-encoding', 'chunked'],
      ],
      'framing',
    ],
    [
      'with two lengths',
      [
        ['host', 'x'],
        ['content-length', '5'],
        ['content-length', '5'],
      ],
      'framing',
    ],
    [
      'with two codings',
      [
        ['host', 'x'],
        ['transfer-encoding', 'chunked'],
        ['transfer-encoding', 'x'],
      ],
      'framing',
    ],
  ] as const) {
    it(`${name}, wherever it stands and however it is spelled, is ${reason ?? 'taken'}`, () => {
      fc.assert(
        fc.property(withAmong(others), (pairs) => {
          assert.equal(refusalOfHead(head(pairs), LIMITS), reason);
        }),
      );
    });
  }

  it('asking for an upgrade with a body, or not by GET, is refused', () => {
    const host = ['Host', 'x'];
    assert.equal(refusalOfUpgrade(head(host), LIMITS), undefined);
    assert.equal(refusalOfUpgrade(head([...host, 'Content-Length', '0']), LIMITS), undefined);
    assert.equal(refusalOfUpgrade(head([...host, 'Content-Length', '1']), LIMITS), 'framing');
    assert.equal(refusalOfUpgrade(head([...host, 'Transfer-Encoding', 'chunked']), LIMITS), 'framing');
    assert.equal(refusalOfUpgrade(head(host, { method: 'POST' }), LIMITS), 'malformed');
    assert.equal(refusalOfUpgrade(head(host, { httpVersionMinor: 0 }), LIMITS), 'malformed');
  });
});
