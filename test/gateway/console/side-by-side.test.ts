import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readExact } from '../../../gateway/console/exact-json.ts';
import { alignLines, foldLines, type Line } from '../../../gateway/console/side-by-side.ts';

function texts(lines: readonly Line[] | undefined, side: 'legacy' | 'new'): string {
  return (lines ?? []).flatMap((line) => (line[side] ? [line[side].text] : [])).join('');
}

describe('readExact', () => {
  it('keeps numbers as they were written', () => {
    assert.deepEqual(readExact('{"id": 9007199254740993123, "price": 1.10}'), {
      kind: 'object',
      members: [
        ['id', { kind: 'scalar', text: '9007199254740993123' }],
        ['price', { kind: 'scalar', text: '1.10' }],
      ],
    });
  });

  for (const text of ['', '{', '{"a":}', '[1,]', '{"a":1} x', '"a', '{a:1}']) {
    it(`takes ${text || 'nothing'} for no document`, () => assert.equal(readExact(text), undefined));
  }

  it('reads a document that was cut as far as it goes, wherever that was', () => {
    const whole = String.raw`{"a":[1,{"b":"t\"wo","c":null}],"d":-1.5}`;
    for (let length = 1; length < whole.length; length++) {
      assert.notEqual(readExact(`${whole.slice(0, length)}…`), undefined, whole.slice(0, length));
    }
    const cut = readExact('{"a":[1,{"b":"tw…');
    assert.deepEqual(cut, {
      kind: 'object',
      members: [
        [
          'a',
          {
            kind: 'array',
            members: [
              { kind: 'scalar', text: '1' },
              { kind: 'object', members: [['b', { kind: 'scalar', text: '"tw…' }]] },
            ],
          },
        ],
      ],
    });
  });

  it('refuses what is nested too deeply, without a stack overflow', () => {
    assert.equal(readExact('['.repeat(100_000)), undefined);
  });

  it('reads every document that JSON.parse reads', () => {
    fc.assert(fc.property(fc.json(), (text) => readExact(text) !== undefined));
  });
});

const changed = (path: string, at: string) => ({ path, at, kind: 'changed' });

describe('alignLines', () => {
  it('puts members of the same name on one line, whatever their order', () => {
    const lines = alignLines('{"a":1,"b":2}', '{"b":3,"a":1}', [changed('$.b', '/b')]) ?? [];
    assert.deepEqual(
      lines.map(({ pointer, legacy, new: fresh, differs }) => [pointer, legacy?.text, fresh?.text, differs]),
      [
        ['', '{', '{', false],
        ['/a', '"a": 1,', '"a": 1,', false],
        ['/b', '"b": 2', '"b": 3', true],
        ['', '}', '}', false],
      ],
    );
  });

  it('leaves a gap where a side has nothing', () => {
    const lines = alignLines('[1,2]', '[1]', [changed('$[*]', '/1')]) ?? [];
    assert.deepEqual(
      lines.map(({ legacy, new: fresh, differs }) => [legacy?.text, fresh?.text, differs]),
      [
        ['[', '[', false],
        ['1,', '1', false],
        ['2', undefined, true],
        [']', ']', false],
      ],
    );
  });

  it('marks everything below a place that differs, and escapes names in pointers', () => {
    const lines = alignLines('{"a/b":{"x":1}}', '{"a/b":null}', [changed("$['a/b']", '/a~1b')]) ?? [];
    assert.deepEqual(
      lines.filter(({ differs }) => differs).map(({ pointer }) => pointer),
      ['/a~1b', '/a~1b/x', '/a~1b'],
    );
  });

  it('puts members that were paired by a key beside each other, wherever they stand', () => {
    const legacy = '{"orders":[{"id":"a","fee":1},{"id":"b","fee":2}]}';
    const fresh = '{"orders":[{"id":"b","fee":3},{"id":"a","fee":1}]}';
    const lines = alignLines(legacy, fresh, [changed('$.orders[?id].fee', '/orders/1/fee')]) ?? [];
    const fees = lines.filter(({ pointer }) => pointer.endsWith('/fee'));
    assert.deepEqual(
      fees.map(({ legacy: was, new: is, differs }) => [was?.text, is?.text, differs]),
      [
        ['"fee": 1', '"fee": 1', false],
        ['"fee": 2', '"fee": 3', true],
      ],
    );
  });

  it('marks an array whose order differs where it begins, not all that is in it', () => {
    const lines = alignLines('{"a":[1,2]}', '{"a":[2,1]}', [{ path: '$.a', at: '/a', kind: 'order' }]) ?? [];
    assert.deepEqual(
      lines.filter(({ differs }) => differs).map(({ legacy: was }) => was?.text),
      ['"a": ['],
    );
  });

  it('keeps the order of an array that stands where the other side has an object with numbers for names', () => {
    const lines = alignLines('{"1":false}', '[false,true]', []);
    assert.equal(texts(lines, 'new'), '[false,true]');
    assert.equal(texts(lines, 'legacy'), '{"1": false}');
  });

  it('knows no lines of bodies that are not JSON', () => {
    assert.equal(alignLines('<a>', '', []), undefined);
  });

  it('shows both documents whole', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (legacy, fresh) => {
        const lines = alignLines(JSON.stringify(legacy), JSON.stringify(fresh), []);
        assert.deepEqual(JSON.parse(texts(lines, 'legacy')), JSON.parse(JSON.stringify(legacy)));
        assert.deepEqual(JSON.parse(texts(lines, 'new')), JSON.parse(JSON.stringify(fresh)));
      }),
    );
  });
});

describe('foldLines', () => {
  const line = (differs: boolean): Line => ({ pointer: '', legacy: undefined, new: undefined, differs });

  it('folds what is far from any difference', () => {
    const lines = [false, false, false, true, false, false].map(line);
    const shown = foldLines(lines, 1);
    assert.deepEqual(
      shown.map((each) => ('folded' in each ? each.folded : each.differs)),
      [2, false, true, false, 1],
    );
  });

  it('folds nothing where nothing differs', () => {
    assert.equal(foldLines([line(false), line(false)], 0).length, 2);
  });
});
