import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileFilter, orderText, parseOrder, sortRows } from '../../../gateway/console/table-filter.ts';

const ticker = {
  texts: ['market.ticker', '/api/market/:symbol'],
  labels: { stage: ['canary'], method: ['GET', 'HEAD'] },
};

describe('a filter', () => {
  const cases: readonly (readonly [filter: string, passes: boolean])[] = [
    ['', true],
    ['tick', true],
    ['TICK', true],
    ['tick api', true],
    ['tick orders', false],
    ['!orders', true],
    ['!tick', false],
    ['"market.ticker"', true],
    ['"market"', false],
    ['stage:canary', true],
    ['stage:can', false],
    ['!stage:canary', false],
    ['method:head tick', true],
    ['unknown:canary', false],
    ['/:symbol', true],
  ];
  for (const [filter, passes] of cases) {
    it(`${filter || '(empty)'} ${passes ? 'lets the route through' : 'holds the route back'}`, () => {
      assert.equal(compileFilter(filter)(ticker), passes);
    });
  }

  it('never throws, whatever is typed', () => {
    fc.assert(fc.property(fc.string(), (filter) => typeof compileFilter(filter)(ticker) === 'boolean'));
  });
});

describe('the order of rows', () => {
  it('puts those without a value last, either way', () => {
    const rows = [3, null, 1];
    assert.deepEqual(
      sortRows(rows, (row) => row, false),
      [1, 3, null],
    );
    assert.deepEqual(
      sortRows(rows, (row) => row, true),
      [3, 1, null],
    );
  });

  it('counts numbers inside of texts as numbers', () => {
    assert.deepEqual(
      sortRows(['r10', 'r9'], (row) => row, false),
      ['r9', 'r10'],
    );
  });

  it('comes back from the URL as it went there', () => {
    const order = { column: 'parity', descending: true };
    assert.deepEqual(parseOrder(orderText(order), { column: 'route', descending: false }), order);
    assert.deepEqual(parseOrder(null, order), order);
  });
});
