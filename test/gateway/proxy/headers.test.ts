import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  answerHeaders,
  headerValue,
  passableTrailers,
  requestHeaders,
  responseHeaders,
} from '../../../gateway/proxy/headers.ts';

const VIA = ['Via', '1.1 banyan'];
const HOP_BY_HOP = [
  'Connection',
  'Expect',
  'Keep-Alive',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Connection',
  'TE',
  'Transfer-Encoding',
  'Upgrade',
];

describe('request fields', () => {
  test('ordinary fields, then each as it came: order, case, duplicates, empty values', () => {
    const pairs = ['Host', 'h', 'x-B', '1', 'X-a', '2', 'x-b', '3', 'Cookie', 'a=1', 'cookie', 'b=2', 'X-Empty', ''];
    assert.deepEqual(requestHeaders(pairs), [...pairs, ...VIA]);
  });

  for (const name of HOP_BY_HOP) {
    test(`${name} is between neighbours, then it goes no further, in any case`, () => {
      const pairs = ['A', '1', name, 'x', name.toLowerCase(), 'y', name.toUpperCase(), 'z', 'B', '2'];
      assert.deepEqual(requestHeaders(pairs), ['A', '1', 'B', '2', ...VIA]);
      assert.deepEqual(responseHeaders(pairs), ['A', '1', 'B', '2']);
    });
  }

  test('Connection names fields, then all of those go too', () => {
    const pairs = [
      'X-One',
      '1',
      'Connection',
      ' x-one ,, X-Two',
      'connection',
      'X-Three',
      'x-TWO',
      '2',
      'X-Three',
      '3',
      'K',
      'v',
    ];
    assert.deepEqual(requestHeaders(pairs), ['K', 'v', ...VIA]);
    assert.deepEqual(responseHeaders(pairs), ['K', 'v']);
  });

  test('Connection names Host or Content-Length, then they stay: their loss would change the message', () => {
    const pairs = ['Host', 'h', 'Content-Length', '3', 'Connection', 'host, Content-Length, close, keep-alive'];
    assert.deepEqual(requestHeaders(pairs), ['Host', 'h', 'Content-Length', '3', ...VIA]);
  });

  test("a client sends the gateway's own fields, then they are stripped at the edge", () => {
    const pairs = [
      'X-Banyan-Shadow',
      'forged',
      'x-banyan-side',
      'new',
      'X-BANYAN-',
      '',
      'x_banyan-COPY',
      '1',
      'X-Banyanish',
      'stays',
    ];
    assert.deepEqual(requestHeaders(pairs), ['X-Banyanish', 'stays', ...VIA]);
  });

  test('another intermediary was there before, then its Via stays and ours comes after it', () => {
    assert.deepEqual(requestHeaders(['Via', '1.0 other']), ['Via', '1.0 other', ...VIA]);
  });

  test('the client offers to take trailers, then that is passed on and nothing else of TE', () => {
    assert.deepEqual(requestHeaders(['TE', 'gzip;q=0.5, Trailers', 'Connection', 'TE']), ['TE', 'trailers', ...VIA]);
    assert.deepEqual(requestHeaders(['TE', 'gzip', 'Connection', 'TE']), VIA);
  });

  test('the edge has fields of its own, then it replaces, adds and rewrites, all else as it came', () => {
    const edge = {
      added: ['X-Forwarded-For', '192.0.2.1', 'X-Request-Id', 'r-1'],
      isReplaced: (name: string) => name === 'x-forwarded-for',
      host: 'backend:8001',
    };
    assert.deepEqual(requestHeaders(['HOST', 'shop', 'x-Forwarded-FOR', 'forged', 'A', '1'], edge), [
      'HOST',
      'backend:8001',
      'A',
      '1',
      ...edge.added,
      ...VIA,
    ]);
    assert.deepEqual(requestHeaders(['Host', 'shop'], { ...edge, host: undefined }), [
      'Host',
      'shop',
      ...edge.added,
      ...VIA,
    ]);
  });

  test('no fields at all, then Via alone', () => {
    assert.deepEqual(requestHeaders([]), VIA);
  });
});

describe('response fields', () => {
  test('ordinary fields, then each as it came: order, case, duplicates, empty values', () => {
    const pairs = ['Set-Cookie', 'a=1', 'link', '<1>', 'Set-Cookie', 'b=2', 'Link', '<2>', 'x', ''];
    assert.deepEqual(responseHeaders(pairs), pairs);
  });

  test('a status that has no content, then no length either', () => {
    const pairs = ['Content-Length', '3', 'A', 'b'];
    assert.deepEqual(answerHeaders(204, pairs), ['A', 'b']);
    assert.deepEqual(answerHeaders(103, pairs), ['A', 'b']);
    assert.deepEqual(answerHeaders(304, pairs), pairs);
  });

  test('no fields, then none', () => {
    assert.deepEqual(responseHeaders([]), []);
  });
});

describe('trailer fields', () => {
  test("then those that frame or route a message, or are the gateway's own, are left out, the rest is kept in order", () => {
    const kept = ['X-Checksum', 'abc', 'x-checksum', 'def', 'Server-Timing', ''];
    const names = ['Content-Length', 'transfer-encoding', 'Host', 'Content-Type', 'Trailer', 'X-Banyan-Shadow'];
    const dropped = names.flatMap((name) => [name, 'x']);
    assert.deepEqual(passableTrailers([...dropped, ...kept]), kept);
  });
});

describe('one value', () => {
  test('a field given twice, then its first value, found in any case', () => {
    const pairs = ['A', 'x-b', 'X-B', '1', 'x-b', '2'];
    assert.equal(headerValue(pairs, 'x-b'), '1');
    assert.equal(headerValue(pairs, 'a'), 'x-b');
    assert.equal(headerValue(pairs, '1'), undefined);
    assert.equal(headerValue([], 'a'), undefined);
  });
});

describe('any fields', () => {
  const token = fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/);
  const fieldName = fc.oneof(
    token,
    fc.constantFrom('Connection', 'connection', 'TE', 'Upgrade', 'Host', 'X-Banyan-Copy'),
  );
  const value = fc.oneof(
    fc.constant('trailers'),
    fc.string({ maxLength: 20 }),
    token,
    fc.tuple(token, token).map((options) => options.join(', ')),
  );
  const fields = fc.array(fc.tuple(fieldName, value), { maxLength: 12 });

  /** The rule, written the slow way. */
  function isEndToEnd(name: string, all: readonly (readonly [string, string])[]): boolean {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.some((each) => each.toLowerCase() === lower)) return false;
    if (lower === 'host' || lower === 'content-length' || lower === 'close' || lower === 'keep-alive') return true;
    return !all.some(
      ([each, text]) =>
        each.toLowerCase() === 'connection' && text.split(',').some((option) => option.trim().toLowerCase() === lower),
    );
  }

  test('end-to-end pairs survive, in order and unchanged, and nothing else does', () => {
    fc.assert(
      fc.property(fields, (given) => {
        const endToEnd = given.filter(([name]) => isEndToEnd(name, given));
        const kept = endToEnd.filter(([name]) => !name.toLowerCase().startsWith('x-banyan-'));
        assert.deepEqual(responseHeaders(given.flat()), kept.flat());
        assert.deepEqual(requestHeaders(given.flat()), [...kept.flat(), ...offerOf(given), ...VIA]);
      }),
      { numRuns: 500 },
    );
  });

  test('what has passed one gateway passes the next one unchanged', () => {
    fc.assert(
      fc.property(fields, (given) => {
        const once = requestHeaders(given.flat());
        const endToEnd = once.filter((_, index) => once[index - (index % 2)] !== 'TE');
        assert.deepEqual(requestHeaders(once), [...endToEnd, ...offerOf(given), ...VIA]);
      }),
    );
  });

  /** What is passed on of the client's TE. */
  function offerOf(given: readonly (readonly [string, string])[]): string[] {
    const te = given.find(([name]) => name.toLowerCase() === 'te')?.[1] ?? '';
    return te.split(',').some((coding) => coding.trim().toLowerCase() === 'trailers') ? ['TE', 'trailers'] : [];
  }
});
