// A request's head as it is written: what could be read in two ways is refused.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Upload, UpstreamRequest } from '../../../gateway/upstream/exchange.ts';
import { RequestError, renderHead } from '../../../gateway/upstream/request-head.ts';

const ORIGIN = 'upstream.test:8080';
const upload = (expectsContinue: boolean): Upload => ({ expectsContinue, start() {}, resume() {}, stop() {} });
const render = (request: Partial<UpstreamRequest>) =>
  renderHead({ method: 'GET', path: '/x', headers: ['Host', 'h'], body: null, ...request }, ORIGIN);

describe('a request head', () => {
  test('has its fields as given, order and case and bytes', () => {
    const headers = ['x-B', '1', 'Host', 'h', 'X-b', 'caf\xe9', 'Empty', ''];
    assert.equal(
      render({ path: '/a%2f/../?q=%zz', headers }).text,
      'GET /a%2f/../?q=%zz HTTP/1.1\r\nx-B: 1\r\nHost: h\r\nX-b: caf\xe9\r\nEmpty: \r\n\r\n',
    );
  });

  test('without a Host: the upstream is named first', () => {
    assert.equal(render({ headers: ['A', 'b'] }).text, `GET /x HTTP/1.1\r\nHost: ${ORIGIN}\r\nA: b\r\n\r\n`);
  });

  for (const [name, request, framing, bodyBytes] of [
    ['no body', {}, '', 0],
    ['no body where one is usual', { method: 'POST' }, 'Content-Length: 0\r\n', 0],
    ['a body in memory', { method: 'POST', body: Buffer.from('abc') }, 'Content-Length: 3\r\n', 3],
    [
      'an upload without a length',
      { method: 'POST', body: upload(false) },
      'Transfer-Encoding: chunked\r\n',
      undefined,
    ],
    [
      'an upload that waits to be asked',
      { method: 'PUT', body: upload(true) },
      'Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n',
      undefined,
    ],
  ] as const) {
    test(`of ${name}: framed so`, () => {
      const head = render(request);
      assert.ok(head.text.endsWith(`Host: h\r\n${framing}\r\n`), head.text);
      assert.equal(head.bodyBytes, bodyBytes);
    });
  }

  test('of an upload with a length: that length, in its place, in one spelling', () => {
    const head = render({ method: 'PUT', headers: ['content-length', '007', 'Host', 'h'], body: upload(false) });
    assert.equal(head.text, 'PUT /x HTTP/1.1\r\ncontent-length: 7\r\nHost: h\r\n\r\n');
    assert.equal(head.bodyBytes, 7);
  });

  for (const [name, request] of [
    ['a length that the body has not', { headers: ['Content-Length', '4'], body: Buffer.from('abc') }],
    ['a length without a body', { headers: ['Content-Length', '4'] }],
    ['a length that is none', { headers: ['Content-Length', '4, 4'], body: upload(false) }],
    ['a transfer coding', { headers: ['Transfer-Encoding', 'chunked'] }],
    ['a line break in a value', { headers: ['A', 'b\r\nC: d'] }],
    ['a line break in a name', { headers: ['A: b\r\nC', 'd'] }],
    ['a length in another notation', { headers: ['Content-Length', '0x3'], body: Buffer.from('abc') }],
    ['a bare LF in a value', { headers: ['A', 'b\nC: d'] }],
    ['a NUL in a value', { headers: ['A', 'b\0'] }],
    ['a character that has no byte', { headers: ['A', '\u20ac'] }],
    ['a space in a name', { headers: ['A b', 'c'] }],
    ['a name of nothing', { headers: ['', 'c'] }],
    ['a space in the target', { path: '/a b' }],
    ['a line break in the target', { path: '/a\r\nHost: evil' }],
    ['a method that is none', { method: 'GET /evil HTTP/1.1\r\nA:' }],
  ] as const) {
    test(`with ${name}: refused`, () => {
      assert.throws(() => render(request), RequestError);
    });
  }

  test('of any strings: refused, or with one line for each field', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string({ unit: 'binary' })), { maxLength: 4 }), (pairs) => {
        let text: string;
        try {
          ({ text } = render({ headers: ['Host', 'h', ...pairs.flat()] }));
        } catch (error) {
          assert.ok(error instanceof RequestError);
          return;
        }
        assert.equal(text.split(/\r\n|\r|\n/).length, pairs.length + 4);
        assert.ok(Buffer.from(text, 'latin1').toString('latin1') === text);
      }),
      { numRuns: 2_000 },
    );
  });
});
