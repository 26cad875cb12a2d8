// The parser of answers: whatever way the bytes are cut into parts, the same answer comes out, and what is no HTTP is
// refused.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ResponseError } from '../../../gateway/upstream/response-head.ts';
import { HEAD_BYTES_MAX, ResponseParser } from '../../../gateway/upstream/response-parser.ts';

interface Heard {
  readonly interim: number[];
  status: number | undefined;
  headers: readonly string[];
  body: string;
  trailers: readonly string[] | undefined;
  keepAlive: boolean | undefined;
  idleMs: number | undefined;
  /** Bytes that belonged to the answer. */
  taken: number;
}

function parserInto(heard: Heard): ResponseParser {
  return new ResponseParser({
    onInterim: ({ status }) => heard.interim.push(status),
    onHead({ status, headers, keepAlive, idleMs }) {
      Object.assign(heard, { status, headers, keepAlive, idleMs });
    },
    onData(part) {
      heard.body += part.toString('latin1');
    },
    onEnd(trailers) {
      heard.trailers = trailers;
    },
  });
}

/** Feeds the parts one by one, and then the end of the connection when it is said to end. */
function parse(parts: readonly string[], { method = 'GET', ends = false } = {}): Heard {
  const heard: Heard = {
    ...{ interim: [], status: undefined, headers: [], body: '', trailers: undefined, taken: 0 },
    ...{ keepAlive: undefined, idleMs: undefined },
  };
  const parser = parserInto(heard);
  parser.begin(method);
  for (const part of parts) heard.taken += parser.feed(Buffer.from(part, 'latin1'));
  if (ends) parser.finish();
  return heard;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

describe('an answer', () => {
  test('with a length: its fields as they came, its body, and no byte more', () => {
    const heard = parse([`${OK}X-A:  b \t\r\nx-a: \xe9\r\nContent-Length: 2\r\n\r\nokHTTP`]);
    assert.deepEqual(heard.headers, ['X-A', 'b', 'x-a', '\xe9', 'Content-Length', '2']);
    assert.equal(heard.body, 'ok');
    assert.deepEqual(heard.trailers, []);
    assert.equal(heard.taken, `${OK}X-A:  b \t\r\nx-a: \xe9\r\nContent-Length: 2\r\n\r\nok`.length);
  });

  test('in chunks: joined, without extensions, with its trailers', () => {
    const heard = parse([`${CHUNKED}3;a="b"\r\nabc\r\n0A \r\n0123456789\r\n0;z\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n`]);
    assert.equal(heard.body, 'abc0123456789');
    assert.deepEqual(heard.trailers, ['X-Sum', '1', 'x-sum', '2']);
  });

  test('with neither: whole when the connection ends, and the last on it', () => {
    assert.equal(parse([`${OK}\r\nabc`, 'def']).trailers, undefined);
    const heard = parse([`${OK}\r\nabc`, 'def'], { ends: true });
    assert.equal(heard.body, 'abcdef');
    assert.deepEqual(heard.trailers, []);
    assert.equal(heard.keepAlive, false);
  });

  for (const [name, method, bytes] of [
    ['to HEAD', 'HEAD', `${OK}Content-Length: 5\r\n\r\n`],
    ['to HEAD in chunks', 'HEAD', CHUNKED],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304 with a length', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    ['of length 0', 'GET', `${OK}Content-Length: 0\r\n\r\n`],
  ] as const) {
    test(`${name}: over with its head`, () => {
      const heard = parse([`${bytes}rest`], { method });
      assert.deepEqual([heard.body, heard.trailers, heard.taken], ['', [], bytes.length]);
    });
  }

  test('after interim ones: each is told apart', () => {
    const heard = parse([
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    ]);
    assert.deepEqual(heard.interim, [100, 103]);
    assert.equal(heard.status, 200);
  });

  for (const [fields, version, keepAlive] of [
    ['', '1.1', true],
    ['Connection: close\r\n', '1.1', false],
    ['Connection: x, CLOSE\r\n', '1.1', false],
    ['', '1.0', false],
    ['Connection: Keep-Alive\r\n', '1.0', true],
    ['Connection: keep-alive, close\r\n', '1.0', false],
  ] as const) {
    test(`HTTP/${version} with ${fields.trim() || 'no Connection'}: another request ${keepAlive ? 'may' : 'must not'} follow`, () => {
      const heard = parse([`HTTP/${version} 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`]);
      assert.equal(heard.keepAlive, keepAlive);
    });
  }

  test('says how long it keeps idle connections: known', () => {
    assert.equal(parse([`${OK}Keep-Alive: max=9, timeout=72\r\nContent-Length: 0\r\n\r\n`]).idleMs, 72_000);
    assert.equal(parse([`${OK}Keep-Alive: xtimeout=72\r\nContent-Length: 0\r\n\r\n`]).idleMs, undefined);
  });
});

describe('what is refused', () => {
  for (const [name, bytes] of [
    ['another protocol, before it ends', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a bare LF in a head that is not whole', 'HTTP/1.1 200 OK\nA: b\n\nbody'],
    ['a version to come', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a switch of protocols', 'HTTP/1.1 101 Switching\r\n\r\n'],
    ['a head that is too long', `${OK}A: ${'b'.repeat(HEAD_BYTES_MAX)}`],
    ["a chunk's line that is too long", `${CHUNKED}1;${'a'.repeat(5_000)}`],
    ['a chunk longer than it says', `${CHUNKED}1\r\nab\r\n`],
    ['a trailer section that is too long', `${CHUNKED}0\r\nA: ${'b'.repeat(HEAD_BYTES_MAX)}`],
    ['a trailer that frames', `${CHUNKED}0\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['a trailer without a colon', `${CHUNKED}0\r\nabc\r\n\r\n`],
    ['a trailer section that ends oddly', `${CHUNKED}0\r\n\rX\r\n\r\n`],
    ['endless interim answers', 'HTTP/1.1 103 Hints\r\n\r\n'.repeat(100)],
    ['endless chunk extensions', `${CHUNKED}${`1;${'a'.repeat(4_000)}\r\nx\r\n`.repeat(300)}`],
  ] as const) {
    test(name, () => {
      assert.throws(() => parse([bytes]), ResponseError);
      assert.throws(() => parse([...bytes]), ResponseError);
    });
  }
});

describe('any answer', () => {
  const token = fc.stringMatching(/^[a-z]{1,8}$/);
  const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,20}[!-~])?)?$/);
  const fields = fc.array(fc.tuple(token, value), { maxLength: 6 }).map((pairs) => pairs.flat());
  const body = fc.string({ unit: 'binary-ascii', maxLength: 60 });
  const chunks = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 20 }), { maxLength: 5 });
  const linesOf = (pairs: readonly string[]) =>
    pairs.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
  const RESERVED = /^(?:connection|keep-alive|content-length|transfer-encoding)$/;
  const harmless = fields.filter((pairs) => !pairs.some((name, i) => i % 2 === 0 && RESERVED.test(name)));
  const answer = fc.record({ head: harmless, whole: body, parts: chunks, trailers: harmless });
  const cuts = fc.array(fc.nat(400), { maxLength: 12 });

  /** The bytes cut at these places. */
  function cutAt(bytes: string, places: readonly number[]): string[] {
    const at = [...new Set([0, ...places, bytes.length])].filter((place) => place <= bytes.length);
    at.sort((a, b) => a - b);
    return at.slice(1).map((end, i) => bytes.slice(at[i], end));
  }

  test('cut anywhere: the same fields and the same body as in one piece', () => {
    fc.assert(
      fc.property(answer, cuts, ({ head, whole, parts, trailers }, places) => {
        const plain = `${OK}${linesOf(head)}Content-Length: ${whole.length}\r\n\r\n${whole}`;
        const heard = parse([...cutAt(plain, places)]);
        assert.deepEqual(heard.headers.slice(0, -2), head);
        assert.deepEqual([heard.body, heard.trailers, heard.taken], [whole, [], plain.length]);

        const coded = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
        const chunked = `${OK}${linesOf(head)}Transfer-Encoding: chunked\r\n\r\n${coded}0\r\n${linesOf(trailers)}\r\n`;
        const other = parse([...cutAt(chunked, places)]);
        assert.deepEqual(other.headers.slice(0, -2), head);
        assert.deepEqual([other.body, other.trailers, other.taken], [parts.join(''), trailers, chunked.length]);
      }),
      { numRuns: 500 },
    );
  });

  test('cut short anywhere: never taken for whole, unless its end is the end of the connection', () => {
    fc.assert(
      fc.property(
        body,
        chunks,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (whole, parts, share) => {
          const coded = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');
          for (const bytes of [`${OK}Content-Length: ${whole.length}\r\n\r\n${whole}`, `${CHUNKED}${coded}0\r\n\r\n`]) {
            const cut = bytes.slice(0, Math.floor(bytes.length * share));
            assert.equal(parse([cut], { ends: true }).trailers, undefined);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('with any bytes changed: an answer or a refusal, the same however it is cut', () => {
    const bytes = `${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n`;
    const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const outcome = (parts: readonly string[]) => {
      try {
        return parse(parts);
      } catch (error) {
        assert.ok(error instanceof ResponseError);
        return 'refused';
      }
    };
    fc.assert(
      fc.property(edits, (changes) => {
        const changed = [...bytes];
        for (const [at, code] of changes) changed[at] = String.fromCharCode(code);
        // What comes after an answer's end is not looked at in one piece; cut up, the next part is.
        const inOne = outcome([changed.join('')]);
        const cutUp = outcome(changed);
        if (inOne === 'refused' || cutUp === 'refused') assert.equal(cutUp, inOne);
        else assert.deepEqual({ ...cutUp, taken: 0 }, { ...inOne, taken: 0 });
      }),
      { numRuns: 2_000 },
    );
  });
});
