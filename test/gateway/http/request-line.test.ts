// The request line and the Host field: which requests are of a kind that a gateway forwards, and to whom.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { describeRefusals, startWire, statusesOf, type Wire } from './wire.ts';

const line = (text: string) => `${text}\r\nHost: x\r\n\r\n`;

describeRefusals('a version', [
  ['HTTP/0.9, by a bare line', 'GET /\r\n\r\n', 505, 'version'],
  ['HTTP/0.9, by name', line('GET / HTTP/0.9'), 505, 'version'],
  ['HTTP/2.0', line('GET / HTTP/2.0'), 505, 'version'],
  ['HTTP/1.2', line('GET / HTTP/1.2'), 505, 'version'],
  ['HTTP/1.10', line('GET / HTTP/1.10'), 505, 'version'],
  ['in lower case', line('GET / http/1.1'), 400, 'malformed'],
  ["HTTP/2's preface", 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed'],
  ['of another protocol, RTSP', line('DESCRIBE / RTSP/1.0'), 501, 'method'],
  ['of another protocol, TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc', 400, 'malformed'],
]);

describeRefusals('a method', [
  ['TRACE', line('TRACE /x HTTP/1.1'), 501, 'method'],
  ['CONNECT', line('CONNECT x:443 HTTP/1.1'), 501, 'method'],
  ['in lower case', line('get / HTTP/1.1'), 501, 'method'],
  ['that nobody knows', line('BREW /pot HTTP/1.1'), 501, 'method'],
  ["ICE's SOURCE", line('SOURCE / ICE/1.0'), 501, 'method'],
  ['after a space', line(' GET / HTTP/1.1'), 400, 'malformed'],
  ['before a tab', line('GET\t/ HTTP/1.1'), 400, 'malformed'],
]);

describeRefusals('a target', [
  ['with a fragment', line('GET /a#b HTTP/1.1'), 400, 'target'],
  ['in authority-form', line('GET x:80 HTTP/1.1'), 400, 'malformed'],
  ['without a slash', line('GET foo HTTP/1.1'), 400, 'malformed'],
  ['* of a method other than OPTIONS', line('GET * HTTP/1.1'), 400, 'target'],
  ['of another scheme', line('GET ftp://x/a HTTP/1.1'), 400, 'target'],
  ['with user information', line('GET http://u:p@x/a HTTP/1.1'), 400, 'target'],
  ['with a NUL', line('GET /a\0b HTTP/1.1'), 400, 'malformed'],
  ['with a control character', line('GET /a\x01b HTTP/1.1'), 400, 'malformed'],
  ['with a tab', line('GET /a\tb HTTP/1.1'), 400, 'malformed'],
  ['with DEL', line('GET /a\x7fb HTTP/1.1'), 400, 'malformed'],
  ['with a byte above ASCII', line('GET /caf\xc3\xa9 HTTP/1.1'), 400, 'malformed'],
  ['with a space', line('GET /a b HTTP/1.1'), 400, 'malformed'],
  ['and a space at the end of the line', line('GET / HTTP/1.1 '), 400, 'malformed'],
  ['of 20 kB', line(`GET /${'a'.repeat(20_000)} HTTP/1.1`), 414, 'url_too_long'],
  ['of 70 kB', line(`GET /${'a'.repeat(70_000)} HTTP/1.1`), 414, 'url_too_long'],
]);

const host = (fields: string, target = '/') => `GET ${target} HTTP/1.1\r\n${fields}\r\n`;

describeRefusals('Host', [
  ['missing', host('A: b\r\n'), 400, 'host'],
  ['missing, of a HEAD', 'HEAD / HTTP/1.1\r\nA: b\r\n\r\n', 400, 'host'],
  ['twice, alike', host('Host: x\r\nHost: x\r\n'), 400, 'host'],
  ['twice, different', host('Host: x\r\nhost: y\r\n'), 400, 'host'],
  ['a list', host('Host: x, y\r\n'), 400, 'host'],
  ['with a path', host('Host: x/y\r\n'), 400, 'host'],
  ['with user information', host('Host: u@x\r\n'), 400, 'host'],
  ['with a space', host('Host: x y\r\n'), 400, 'host'],
  ['with a port that is no number', host('Host: x:y\r\n'), 400, 'host'],
  ['with a byte above ASCII', host('Host: \xe9\r\n'), 400, 'host'],
  ['folded', host('Host: x\r\n .evil\r\n'), 400, 'malformed'],
  ['other than that of an absolute target', host('Host: x\r\n', 'http://y/a'), 400, 'host'],
  ['missing beside an absolute target', host('A: b\r\n', 'http://x/a'), 400, 'host'],
]);

describe('a request line that is forwarded', () => {
  let wire: Wire;
  before(async () => {
    wire = await startWire();
  });
  after(() => wire.close());

  for (const [name, sent, forwarded] of [
    [
      'an absolute target goes as origin-form',
      'GET http://x/a%2Fb?c HTTP/1.1\r\nHost: x',
      'GET /a%2Fb?c HTTP/1.1\r\nHost: x\r\n',
    ],
    [
      "an absolute target's default port equals none",
      'GET http://X:80/ HTTP/1.1\r\nHost: x',
      'GET / HTTP/1.1\r\nHost: x\r\n',
    ],
    [
      'odd bytes of the target stay as they are',
      'GET //a/../%2e"<>^`{|}[]\\ HTTP/1.1\r\nHost: x',
      'GET //a/../%2e"<>^`{|}[]\\ HTTP/1.1\r\n',
    ],
    ['a method of WebDAV', 'PROPFIND / HTTP/1.1\r\nHost: x', 'PROPFIND / HTTP/1.1\r\n'],
    ['an empty line before it is skipped', '\r\nGET /a HTTP/1.1\r\nHost: x', 'GET /a HTTP/1.1\r\n'],
    [
      'an address in brackets is a Host',
      'GET / HTTP/1.1\r\nHost: [::1]:8080',
      'GET / HTTP/1.1\r\nHost: [::1]:8080\r\n',
    ],
    ['an empty Host is one', 'GET / HTTP/1.1\r\nHost:', 'GET / HTTP/1.1\r\nHost: \r\n'],
    ['HTTP/1.0 without Host goes on as HTTP/1.1 with one', 'GET /a HTTP/1.0', 'GET /a HTTP/1.1\r\nHost: 127.0.0.1:'],
  ] as const) {
    it(name, async () => {
      assert.deepEqual(statusesOf(await wire.exchange(`${sent}\r\nConnection: close\r\n\r\n`)), [200]);
      const heard = wire.heard();
      assert.ok(heard.startsWith(forwarded), heard);
    });
  }

  it('OPTIONS * asks the gateway itself, and is answered by it', async () => {
    const received = await wire.exchange('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    assert.match(received, /^HTTP\/1\.1 204 No Content\r\nallow: GET, HEAD, [^\r]*\r\n/);
    assert.equal(wire.heard(), '');
  });
});
