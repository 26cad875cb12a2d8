import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Difference } from '../../../gateway/mirror/difference.ts';
import { compileRedaction, REDACTED } from '../../../gateway/mirror/redact.ts';
import { isSecretName } from '../../../gateway/mirror/secrets.ts';
import { SECRET_HEADERS, SECRET_NAMES } from './secret-names.ts';

const redaction = compileRedaction();

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
    assert.deepEqual(redaction.headers(pairs), [
      ['Content-Type', 'a/b'],
      ...SECRET_HEADERS.map((name) => [name, REDACTED]),
      ['x-user-id', 'u'],
    ]);
  });

  test('a URL in a value, then its secret parameters go', () => {
    const location = 'https://app/cb?state=1&access_token=x#id_token=y&z=2';
    assert.deepEqual(redaction.headers(['Location', location]), [
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
    ['/a?filter=%7B%22token%22%3A%22x%22%7D', `/a?filter=${REDACTED}`],
    ['/login/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln/next', `/login/${REDACTED}/next`],
    ['https://user:hunter2@host/a', `https://user:${REDACTED}@host/a`],
    ['https://host:8080/a@b', 'https://host:8080/a@b'],
    ['/token=x', '/token=x'],
  ];
  for (const [target, redacted] of rows) {
    test(`${target}, then ${redacted}`, () => assert.equal(redaction.target(target), redacted));
  }

  test('a very long target, then quickly', () => {
    for (const part of ['?', '&', 'a', '?a=', '=', 'eyJ', '-eyJ', '://', 'bearer ', 'a"', '\\', ' ', ':'])
      assert.equal(typeof redaction.target(`/${part.repeat(200_000)}`), 'string');
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
      assert.deepEqual(redaction.difference(difference(path)), { ...difference(path), legacy: REDACTED });
    });
  }
  const places: readonly (readonly [
    name: string,
    given: readonly [string, string],
    kept: readonly [string, string],
  ])[] = [
    [
      'a session as a name',
      ['$.sessions.s3cr3t.user', '/sessions/s3cr3t/user'],
      ['$.sessions.*.user', '/sessions/*/user'],
    ],
    [
      'a session as a name in quotes',
      ["$.sessions['a\\'b/c'][*].x", "/sessions/a'b~1c/0/x"],
      ['$.sessions.*[*].x', '/sessions/*/0/x'],
    ],
    [
      'a JWT as a name',
      ["$.by['eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.x']", '/by/eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.x'],
      ['$.by.*', '/by/*'],
    ],
    ['names below no secret', ['$.orders.o1.fee', '/orders/o1/fee'], ['$.orders.o1.fee', '/orders/o1/fee']],
  ];
  for (const [name, [path, at], kept] of places) {
    test(`${name}, then the place ${kept[0]}`, () => {
      for (const { path: shown, at: pointer } of [
        redaction.place({ ...difference(path), at }),
        redaction.difference({ ...difference(path), at }),
      ])
        assert.deepEqual([shown, pointer], kept);
    });
  }
  test('members paired by an odd key below a place that the route names, then without their values', () => {
    const named = compileRedaction({ headers: [], paths: ['$.a[*].address'] });
    assert.equal(named.difference(difference('$.a[?odd key].address')).legacy, REDACTED);
  });
  test('a text of JSON that was cut, then it is gone', () => {
    assert.equal(redaction.difference(difference('$.raw', '"{\\"access_token\\":\\"hunter2…')).legacy, REDACTED);
  });
  test('an ordinary place, then as it is, but for secret parameters of a URL', () => {
    assert.deepEqual(redaction.difference(difference('$.price')), difference('$.price'));
    assert.equal(redaction.difference(difference('header:location', '/a?token=x')).legacy, `/a?token=${REDACTED}`);
  });
});

describe('bodies', () => {
  const JSON_TYPE = ['Content-Type', 'application/json'];
  const body = (text: string, headers: readonly string[] = JSON_TYPE) =>
    redaction.body(Buffer.from(text), headers).text;

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
  test('secrets in texts and as names, then they go', () => {
    const rows: readonly (readonly [text: string, redacted: string])[] = [
      ['{"access_token":"hunter2"}', REDACTED],
      ['a {"b":{"api-key" : 1}}', REDACTED],
      ["{'password':'hunter2'}", REDACTED],
      ['{"token_address":"T1"}', '{"token_address":"T1"}'],
      ['client_secret=hunter2&a=b', `client_secret=${REDACTED}&a=b`],
      ['a=b; session=hunter2', `a=b; session=${REDACTED}`],
      ['sent Bearer abcdefghijklmnop1 to it', `sent Bearer ${REDACTED} to it`],
      ['Basic authentication is required', 'Basic authentication is required'],
      ['redis://u:hunter2@host/0', `redis://u:${REDACTED}@host/0`],
      ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln', REDACTED],
    ];
    for (const [text, redacted] of rows) {
      assert.equal(body(JSON.stringify({ note: text })), JSON.stringify({ note: redacted }));
    }
    assert.equal(body('{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln":1}'), `{"${REDACTED}":1}`);
  });
  test('not kept, empty, no JSON, or encoded, then only described', () => {
    assert.equal(redaction.body(undefined, []).text, 'not kept');
    assert.equal(body(''), '');
    assert.equal(body('password=x'), '10 bytes that are not JSON, application/json');
    assert.equal(body('password=x', ['content-type', 'text/plain']), '10 bytes, text/plain');
    assert.equal(body('password=x', []), '10 bytes, no content-type');
    const encoded = gzipSync('{"password":"x"}');
    assert.equal(
      redaction.body(encoded, [...JSON_TYPE, 'Content-Encoding', 'gzip']).text,
      `${encoded.length} bytes, application/json`,
    );
  });
  test('long, then cut after it was redacted', () => {
    const text = body(JSON.stringify({ password: 'x'.repeat(50_000), list: Array(20_000).fill(1) }));
    assert.equal(text.length, 16_385);
    assert.ok(text.startsWith(`{"password":"${REDACTED}"`) && text.endsWith('…'));
  });
});

describe('a body', () => {
  const JSON_TYPE = ['Content-Type', 'application/json'];
  const isWhole = (text: string, headers = JSON_TYPE) => redaction.body(Buffer.from(text), headers).isWhole;

  test('of which nothing is lost, then it is whole, however it was spaced', () => {
    for (const text of ['', '{}', '{ "id" : 1.50 }', '[null]']) assert.equal(isWhole(text), true, text);
  });
  test('of which anything was replaced, cut or only described, then it is not', () => {
    for (const text of ['{"token":"x"}', '{"next":"/a?token=x"}', JSON.stringify('x'.repeat(20_000)), 'no JSON']) {
      assert.equal(isWhole(text), false, text.slice(0, 20));
    }
    assert.equal(isWhole('a', ['content-type', 'text/plain']), false);
    assert.equal(redaction.body(undefined, JSON_TYPE).isWhole, false);
  });
});

describe('what a route names beside that', () => {
  const named = compileRedaction({
    headers: ['X-User-Id'],
    paths: ['$.user.name', '$.fills[*].address', '$..birthday'],
  });

  test('headers in any case, then without their values', () => {
    assert.deepEqual(named.headers(['x-user-id', 'u', 'X-Other', 'o']), [
      ['x-user-id', REDACTED],
      ['X-Other', 'o'],
    ]);
  });
  test('members at these paths, then replaced, and their namesakes elsewhere kept', () => {
    const body = '{"name":"n","user":{"name":["x"],"birthday":1},"fills":[{"address":"x","name":"n"}],"birthday":null}';
    assert.equal(
      named.body(Buffer.from(body), ['content-type', 'application/json']).text,
      `{"name":"n","user":{"name":"${REDACTED}","birthday":"${REDACTED}"},"fills":[{"address":"${REDACTED}","name":"n"}],"birthday":"${REDACTED}"}`,
    );
  });
  test('differences at and below these places, then without their values, and others as they are', () => {
    const at = (path: string) =>
      named.difference({ path, at: '/a', kind: 'changed', legacy: 'x', new: 'y', critical: false, rule: undefined });
    for (const path of [
      '$.user.name',
      '$.user.name[*].first',
      '$.fills[?id].address',
      '$.a.b.birthday',
      'header:x-user-id',
    ]) {
      assert.deepEqual([at(path).legacy, at(path).new], [REDACTED, REDACTED], path);
    }
    for (const path of ['$.name', '$.user', '$.fills[*].id', 'status']) assert.equal(at(path).legacy, 'x', path);
  });
});

describe('a name and a value beside each other', () => {
  const redaction = compileRedaction({ headers: ['x-user-id'], paths: [] });
  const textOf = (document: unknown) =>
    redaction.body(Buffer.from(JSON.stringify(document)), ['content-type', 'application/json']);

  for (const [what, pair] of [
    ['of a field that is secret', { name: 'Cookie', value: 'sid=1' }],
    ['of a field that the configuration names', { field: 'X-User-Id', value: 'sid=1' }],
    ['in capitals', { Name: 'password', Value: 'sid=1' }],
    ['with a list of values', { key: 'set-cookie', values: ['sid=1', 'a=sid=1'] }],
    ['with more in the value', { name: 'session', content: { a: ['sid=1'] } }],
  ] as const) {
    test(`${what}, then its value is not shown, nor in differences`, () => {
      const { text, paired } = textOf({ fields: [pair] });
      assert.ok(!text.includes('sid=1') && text.includes(REDACTED), text);
      const difference = { at: '/fields/0/value', kind: 'changed', critical: false, rule: undefined } as const;
      const shown = { ...difference, path: '$.fields[*].value', legacy: '"sid=1"', new: '"other"' };
      assert.deepEqual(redaction.difference(shown, paired), { ...shown, legacy: REDACTED });
      const elsewhere = { ...shown, path: '$.fields[*].a' };
      assert.deepEqual(redaction.difference(elsewhere, paired), elsewhere);
    });
  }

  test('of anything else, then as it is', () => {
    const document = { fields: [{ name: 'price', value: '1' }, { value: 'x' }, { name: 7, value: 'x' }] };
    assert.deepEqual(textOf(document), { text: JSON.stringify(document), isWhole: true, paired: [] });
  });
});

describe('with a key', () => {
  const hashing = (key: string) => compileRedaction(undefined, Buffer.from(key));
  const ofToken = (key: string, value: unknown) =>
    hashing(key).body(Buffer.from(JSON.stringify({ token: value })), ['content-type', 'application/json']).text;

  test('equal secrets have equal marks, others have others, under every key its own', () => {
    assert.match(ofToken('k', 'hunter2'), /^\{"token":"\[hmac:[0-9a-f]{16}\]"\}$/);
    assert.equal(ofToken('k', 'hunter2'), ofToken('k', 'hunter2'));
    const marks = [
      ofToken('k', 'hunter2'),
      ofToken('k', 'hunter3'),
      ofToken('k', { a: 'hunter2' }),
      ofToken('j', 'hunter2'),
    ];
    assert.equal(new Set(marks).size, marks.length);
  });
  test('a secret in a header, a target and a body has one mark', () => {
    const redact = hashing('k');
    const [[, header = ''] = []] = redact.headers(['x-api-key', 'hunter2']);
    assert.equal(redact.target('/a?token=hunter2'), `/a?token=${header}`);
    assert.equal(ofToken('k', 'hunter2'), `{"token":"${header}"}`);
  });
});
