import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Difference } from '../../../gateway/mirror/compare-json.ts';
import {
  isSecretName,
  REDACTED,
  redactBody,
  redactDifference,
  redactHeaders,
  redactTarget,
} from '../../../gateway/mirror/redact.ts';
import { SECRET_HEADERS, SECRET_NAMES } from './secret-names.ts';

describe('names', () => {
  test('secrets and personal data, in any case', () => {
    for (const name of SECRET_NAMES) {
      assert.equal(isSecretName(name), true, name);
      assert.equal(isSecretName(name.toUpperCase()), true, name);
    }
  });

  test('what a trading system talks about is none', () => {
    for (const name of [
      'token_address',
      'tokenSymbol',
      'tokens',
      'symbol',
      'price',
      'user_id',
      'order_id',
      'key',
      'id',
    ]) {
      assert.equal(isSecretName(name), false, name);
    }
  });
});

describe('headers', () => {
  test('secret ones lose their value, the others keep it, all in order', () => {
    const pairs = ['Content-Type', 'a/b', ...SECRET_HEADERS.flatMap((name) => [name, 'x']), 'x-user-id', 'u'];
    assert.deepEqual(redactHeaders(pairs), [
      ['Content-Type', 'a/b'],
      ...SECRET_HEADERS.map((name) => [name, REDACTED]),
      ['x-user-id', 'u'],
    ]);
  });

  test('a URL in a value, then its secret parameters go', () => {
    const location = 'https://app/cb?state=1&access_token=x#id_token=y&z=2';
    assert.deepEqual(redactHeaders(['Location', location]), [
      ['Location', `https://app/cb?state=1&access_token=${REDACTED}#id_token=${REDACTED}&z=2`],
    ]);
  });
});

describe('targets', () => {
  const rows: readonly (readonly [target: string, redacted: string])[] = [
    ['/a', '/a'],
    ['/a?b=c&d', '/a?b=c&d'],
    ['/a?token=x', `/a?token=${REDACTED}`],
    ['/a?b=1&signature=x&c=2', `/a?b=1&signature=${REDACTED}&c=2`],
    ['/a?API_KEY=x', `/a?API_KEY=${REDACTED}`],
    ['/a?api%5Fkey=x', `/a?api%5Fkey=${REDACTED}`],
    ['/a?%74oken=x', `/a?%74oken=${REDACTED}`],
    ['/a?token=', `/a?token=${REDACTED}`],
    ['/a?token=x=y', `/a?token=${REDACTED}`],
    ['/a?b=c?token=x', `/a?b=c?token=${REDACTED}`],
    ['/a#token=x', `/a#token=${REDACTED}`],
    ['/a?%zz=1&password=x', `/a?%zz=1&password=${REDACTED}`],
    ['/a?token', '/a?token'],
    ['/token=x', '/token=x'],
  ];
  for (const [target, redacted] of rows) {
    test(`${target}, then ${redacted}`, () => assert.equal(redactTarget(target), redacted));
  }

  test('a very long target, then quickly', () => {
    for (const part of ['?', '&', 'a', '?a=', '='])
      assert.equal(typeof redactTarget(`/${part.repeat(200_000)}`), 'string');
  });
});

describe('differences', () => {
  const difference = (path: string, value = 'x'): Difference => ({
    path,
    at: '',
    kind: 'changed',
    legacy: value,
    new: undefined,
    critical: false,
    rule: undefined,
  });
  for (const path of [
    '$.password',
    '$.user.api_key',
    '$.credentials.name',
    '$.a[*].token',
    "$['access-token']",
    'header:set-cookie',
    'header:x-csrf',
    'header:x-session',
  ]) {
    test(`${path}, then the place without the values`, () => {
      assert.deepEqual(redactDifference(difference(path)), { ...difference(path), legacy: REDACTED });
    });
  }
  test('an ordinary place, then as it is, but for secret parameters of a URL', () => {
    assert.deepEqual(redactDifference(difference('$.price')), difference('$.price'));
    assert.equal(redactDifference(difference('header:location', '/a?token=x')).legacy, `/a?token=${REDACTED}`);
  });
});

describe('bodies', () => {
  const JSON_TYPE = ['Content-Type', 'application/json'];
  const body = (text: string, headers: readonly string[] = JSON_TYPE) => redactBody(Buffer.from(text), headers);

  test('JSON, then its secret members replaced, whatever they hold, and numbers as they were', () => {
    assert.equal(
      body('{"id":9007199254740993,"password":"x","a":[{"token":{"b":"x"}},1.50],"email":null}'),
      `{"id":9007199254740993,"password":"${REDACTED}","a":[{"token":"${REDACTED}"},1.50],"email":"${REDACTED}"}`,
    );
  });
  test('escaped names, then they are secret all the same', () => {
    assert.equal(body('{"p\\u0061ssword":"x"}'), `{"password":"${REDACTED}"}`);
  });
  test('a URL in a text, then its secret parameters go', () => {
    assert.equal(body('{"next":"/cb?token=x&b=1"}'), `{"next":"/cb?token=${REDACTED}&b=1"}`);
  });
  test('not kept, empty, no JSON, or encoded, then only described', () => {
    assert.equal(redactBody(undefined, []), 'not kept');
    assert.equal(body(''), '');
    assert.equal(body('password=x'), '10 bytes that are not JSON, application/json');
    assert.equal(body('password=x', ['content-type', 'text/plain']), '10 bytes, text/plain');
    assert.equal(body('password=x', []), '10 bytes, no content-type');
    const encoded = gzipSync('{"password":"x"}');
    assert.equal(
      redactBody(encoded, [...JSON_TYPE, 'Content-Encoding', 'gzip']),
      `${encoded.length} bytes, application/json`,
    );
  });
  test('long, then cut after it was redacted', () => {
    const text = body(JSON.stringify({ password: 'x'.repeat(50_000), list: Array(20_000).fill(1) }));
    assert.equal(text.length, 16_385);
    assert.ok(text.startsWith(`{"password":"${REDACTED}"`) && text.endsWith('…'));
  });
});
