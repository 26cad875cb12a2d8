import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMasterKeys } from '../../config/master-keys.ts';

const encoded = (byte: number) => Buffer.alloc(32, byte).toString('base64');

test('one key or two, then the first is the one in use', () => {
  const parsed = parseMasterKeys(`k2:${encoded(2)}\nk1:${encoded(1)}\n`);
  assert.deepEqual(parsed.ok && parsed.value.map(({ id, key }) => [id, key[0], key.length]), [
    ['k2', 2, 32],
    ['k1', 1, 32],
  ]);
  assert.equal(parseMasterKeys(`k1:${encoded(1)}`).ok, true);
});

test('what is no list of keys, then why, without any of a key', () => {
  const short = Buffer.alloc(16, 7).toString('base64');
  const three = [1, 2, 3].map((n) => `k${n}:${encoded(n)}`).join();
  for (const text of [
    '',
    ' , ',
    `k1:${short}`,
    encoded(7),
    `a b:${encoded(7)}`,
    three,
    `k1:${encoded(7)},k1:${encoded(2)}`,
  ]) {
    const parsed = parseMasterKeys(text);
    assert.equal(parsed.ok, false, text);
    assert.doesNotMatch(parsed.ok ? '' : parsed.message, /BwcH|AQEB/);
  }
});
