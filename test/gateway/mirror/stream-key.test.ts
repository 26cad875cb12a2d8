import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compileKey, contentTypeOf, type HeardMessage } from '../../../gateway/mirror/stream-key.ts';

function message(body: string, given: Partial<HeardMessage> = {}): HeardMessage {
  const bytes = Buffer.from(body);
  return { body: bytes, contentType: contentTypeOf(bytes), event: undefined, id: undefined, ...given };
}

describe('the key of a message', () => {
  const byPath = compileKey(['$.type', '$.data.id']);
  const same = (a: HeardMessage, b: HeardMessage, keyOf = byPath) => keyOf(a) === keyOf(b);

  test('is its values at the paths, whatever else it says', () => {
    assert.ok(same(message('{"type":"t","data":{"id":1},"x":1}'), message('{"x":2,"data":{"id":1},"type":"t"}')));
    assert.ok(!same(message('{"type":"t","data":{"id":1}}'), message('{"type":"t","data":{"id":2}}')));
    assert.ok(!same(message('{"type":"1","data":{"id":2}}'), message('{"type":1,"data":{"id":2}}')));
  });

  test('tells ids apart that no floating-point number can', () => {
    const [a, b] = ['{"data":{"id":9007199254740993}}', '{"data":{"id":9007199254740992}}'];
    assert.ok(!same(message(a), message(b)));
  });

  test('is the id where no path is there, and the content where there is no id', () => {
    assert.ok(same(message('{"a":1}', { id: '7' }), message('{"a":2}', { id: '7' })));
    assert.ok(!same(message('{"a":1}'), message('{"a":2}')));
    assert.ok(same(message('{"a":1}'), message('{"a":1}')));
    assert.ok(!same(message('not json'), message('{broken')));
    assert.ok(same(message('x', { id: '7' }), message('y', { id: '7' }), compileKey(undefined)));
  });

  test('is never the same for events of two names', () => {
    assert.ok(!same(message('{}', { event: 'a', id: '1' }), message('{}', { event: 'b', id: '1' })));
  });

  test('is short, however long the values are', () => {
    const key = byPath(message(JSON.stringify({ type: 'x'.repeat(100_000) })));
    assert.ok(key.length < 100, `${key.length} characters`);
  });
});
