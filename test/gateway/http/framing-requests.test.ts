// Where a request ends: every way in which two readers could disagree about it is refused before anything is forwarded.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { describeRefusals, startWire, statusesOf, type Wire } from './wire.ts';

const post = (fields: string, body = '') => `POST /x HTTP/1.1\r\nHost: x\r\n${fields}\r\n${body}`;
const EMPTY = '0\r\n\r\n';
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
/** How one chunk goes upstream, whatever else its sender's framing had. */
const CHUNKED_A = /\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n$/;
/** How a body of one byte goes upstream. */
const ONE_BYTE = /\r\nContent-Length: 1\r\n(?:.+\r\n)*\r\na$/;
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body);

describeRefusals('Content-Length and Transfer-Encoding together', [
  [
    'length before chunked',
    post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', EMPTY + SMUGGLED),
    400,
    'framing',
  ],
  [
    'chunked before length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', EMPTY + SMUGGLED),
    400,
    'framing',
  ],
  ['length and an unknown coding', post('Content-Length: 1\r\nTransfer-Encoding: x\r\n', 'a'), 400, 'framing'],
  [
    'named in Connection, both stay',
    post('Connection: content-length\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n', EMPTY),
    400,
    'framing',
  ],
]);

describeRefusals('Content-Length', [
  ['twice, alike', post('Content-Length: 1\r\nContent-Length: 1\r\n', 'a'), 400, 'framing'],
  ['twice, different', post('Content-Length: 1\r\nContent-Length: 2\r\n', 'ab'), 400, 'framing'],
  ['a list', post('Content-Length: 1, 1\r\n', 'a'), 400, 'framing'],
  ['with a sign', post('Content-Length: +1\r\n', 'a'), 400, 'framing'],
  ['negative', post('Content-Length: -1\r\n', 'a'), 400, 'framing'],
  ['hexadecimal', post('Content-Length: 0x1\r\n', 'a'), 400, 'framing'],
  ['empty', post('Content-Length: \r\n', 'a'), 400, 'framing'],
  ['two numbers', post('Content-Length: 1 2\r\n', 'a'), 400, 'framing'],
  ['above what a number holds exactly', post('Content-Length: 9223372036854775808\r\n', 'a'), 400, 'framing'],
  ['above 64 bits', post('Content-Length: 99999999999999999999999\r\n', 'a'), 400, 'framing'],
  ['a space before the colon', post('Content-Length : 1\r\n', 'a'), 400, 'malformed'],
]);

describeRefusals('Transfer-Encoding', [
  ['chunked, chunked', post('Transfer-Encoding: chunked, chunked\r\n', EMPTY), 400, 'framing'],
  ['chunked twice', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', EMPTY), 400, 'framing'],
  ['xchunked', post('Transfer-Encoding: xchunked\r\n', EMPTY), 400, 'framing'],
  ['identity', post('Transfer-Encoding: identity\r\n', EMPTY), 400, 'framing'],
  ['quoted', post('Transfer-Encoding: "chunked"\r\n', EMPTY), 400, 'framing'],
  ['with a parameter', post('Transfer-Encoding: chunked;a=b\r\n', EMPTY), 400, 'framing'],
  ['chunked, identity', post('Transfer-Encoding: chunked, identity\r\n', EMPTY), 400, 'framing'],
  ['empty, then chunked', post('Transfer-Encoding: \r\nTransfer-Encoding: chunked\r\n', EMPTY), 400, 'framing'],
  [
    'a coding that would have to be passed on',
    post('Transfer-Encoding: gzip, chunked\r\n', EMPTY),
    501,
    'transfer_coding',
  ],
  ['folded', post('Transfer-Encoding:\r\n chunked\r\n', EMPTY), 400, 'malformed'],
  ['after a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', EMPTY), 400, 'malformed'],
  ['before a tab', post('Transfer-Encoding: chunked\t\r\n', EMPTY), 400, 'framing'],
  ['a space before the colon', post('Transfer-Encoding : chunked\r\n', EMPTY), 400, 'malformed'],
  ['in HTTP/1.0', `POST /x HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${EMPTY}`, 400, 'framing'],
]);

describeRefusals('a chunk', [
  ['whose size is no number', chunked('zz\r\na\r\n0\r\n\r\n'), 400, 'framing'],
  ['whose size has a prefix', chunked('0x1\r\na\r\n0\r\n\r\n'), 400, 'framing'],
  ['whose size is negative', chunked('-1\r\na\r\n0\r\n\r\n'), 400, 'framing'],
  ['whose size overflows', chunked('fffffffffffffffff\r\na\r\n0\r\n\r\n'), 400, 'framing'],
  ['whose size has a space after it', chunked('1 \r\na\r\n0\r\n\r\n'), 400, 'framing'],
  ['whose size has a space before it', chunked(' 1\r\na\r\n0\r\n\r\n'), 400, 'framing'],
  ['whose size line ends in a bare LF', chunked('1\na\r\n0\r\n\r\n'), 400, 'malformed'],
  ['whose size line ends in a bare CR', chunked('1\rXa\r\n0\r\n\r\n'), 400, 'malformed'],
  ['whose data are not followed by CRLF', chunked('1\r\naXX0\r\n\r\n'), 400, 'malformed'],
  ['whose data are followed by a bare LF', chunked('1\r\na\n0\r\n\r\n'), 400, 'malformed'],
  ['whose data are followed by a bare CR', chunked('1\r\na\r0\r\n\r\n'), 400, 'malformed'],
  ['whose extension has a bare LF', chunked(`1;a\nb\r\na\r\n0\r\n\r\n`), 400, 'malformed'],
  ['whose extension has a bare CR', chunked('1;a\rb\r\na\r\n0\r\n\r\n'), 400, 'malformed'],
  ['whose extension has a NUL', chunked('1;a\0b\r\na\r\n0\r\n\r\n'), 400, 'malformed'],
  ['whose extension is of 20 kB', chunked(`1;${'a'.repeat(20_000)}\r\na\r\n0\r\n\r\n`), 413, 'chunk_extensions'],
  ['followed by a trailer that is no field', chunked('1\r\na\r\n0\r\nno field\r\n\r\n'), 400, 'malformed'],
  ['followed by Content-Length as a trailer', chunked('1\r\na\r\n0\r\nContent-Length: 5\r\n\r\n'), 400, 'framing'],
  [
    'followed by Transfer-Encoding as a trailer',
    chunked('1\r\na\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'),
    400,
    'framing',
  ],
]);

const get = (fields: string) => `GET /x HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;

describeRefusals('a header field', [
  ['with a NUL in its value', get('A: b\0c\r\n'), 400, 'malformed'],
  ['with a NUL in its name', get('A\0: b\r\n'), 400, 'malformed'],
  ['with a control character', get('A: b\x01c\r\n'), 400, 'malformed'],
  ['with DEL', get('A: b\x7fc\r\n'), 400, 'malformed'],
  ['with a space before its colon', get('A : b\r\n'), 400, 'malformed'],
  ['with a space before its name, as the first', 'GET / HTTP/1.1\r\n A: b\r\nHost: x\r\n\r\n', 400, 'malformed'],
  ['folded with a space', get('A: b\r\n c\r\n'), 400, 'malformed'],
  ['folded with a tab', get('A: b\r\n\tc\r\n'), 400, 'malformed'],
  ['without a colon', get('Abc\r\n'), 400, 'malformed'],
  ['without a name', get(': b\r\n'), 400, 'malformed'],
  ['with a delimiter in its name', get('A(b): c\r\n'), 400, 'malformed'],
  ['with a byte above ASCII in its name', get('A\xe9: c\r\n'), 400, 'malformed'],
  ['that ends in a bare LF', get('A: b\nC: d\r\n'), 400, 'malformed'],
  ['with a bare CR', get('A: b\rC: d\r\n'), 400, 'malformed'],
  ['as the last before a bare LF', 'GET / HTTP/1.1\r\nHost: x\r\n\n', 400, 'malformed'],
  ['in a head that ends in CR alone', `GET / HTTP/1.1\r\nHost: x\r\n\r${SMUGGLED}`, 400, 'malformed'],
  ['in a head of bare LF', 'GET / HTTP/1.1\nHost: x\n\n', 400, 'malformed'],
]);

describeRefusals('a head above the limits', [
  ['in bytes', get(`A: ${'b'.repeat(70_000)}\r\n`), 431, 'head_too_large'],
  ['in fields, far', get('A: b\r\n'.repeat(20_000)), 431, 'too_many_fields'],
  ['in fields', get('A: b\r\n'.repeat(250)), 431, 'too_many_fields'],
]);

describe('a request whose end is beyond doubt', () => {
  let wire: Wire;
  before(async () => {
    wire = await startWire();
  });
  after(() => wire.close());

  for (const [name, bytes, sent] of [
    ['a length with a tab before it', post('Content-Length:\t1\r\nConnection: close\r\n', 'a'), ONE_BYTE],
    ['a length with leading zeros', post('Content-Length: 00001\r\nConnection: close\r\n', 'a'), ONE_BYTE],
    [
      'chunked in any case',
      post('transfer-ENCODING: cHuNkEd\r\nConnection: close\r\n', '1\r\na\r\n0\r\n\r\n'),
      CHUNKED_A,
    ],
    [
      'chunk extensions',
      post('Transfer-Encoding: chunked\r\nConnection: close\r\n', '1;a=b;c="d"\r\na\r\n0;z\r\n\r\n'),
      CHUNKED_A,
    ],
    [
      'chunked named in Connection',
      post('Transfer-Encoding: chunked\r\nConnection: close, transfer-encoding\r\n', '1\r\na\r\n0\r\n\r\n'),
      CHUNKED_A,
    ],
    ['no body at all', post('Connection: close\r\n'), /\r\nContent-Length: 0\r\n\r\n$/],
  ] as const) {
    it(`${name}: forwarded with framing of the gateway's own`, async () => {
      assert.deepEqual(statusesOf(await wire.exchange(bytes)), [200]);
      const heard = wire.heard();
      assert.match(heard, sent);
      assert.equal(heard.match(/^(?:content-length|transfer-encoding):/gim)?.length, 1, heard);
    });
  }

  it('a wrong chunk after the first were forwarded: 400, and the upstream sees the request break off', async () => {
    const client = await connectRaw(wire.gateway.port);
    client.send(chunked('5\r\nhello\r\n'));
    let heard = '';
    await eventually(() => {
      heard += wire.heard();
      return heard.includes('hello');
    }, 'the first chunk at the upstream');
    client.send('zz\r\n');
    assert.deepEqual(statusesOf(await client.closed()), [400]);
    await wire.canary();
    heard += wire.heard();
    assert.match(heard, /\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello(?:\r\n)?$/, 'no last chunk');
  });
});
