import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DifferenceCount } from '../../../gateway/console/answers.ts';
import { differenceTree, type TreeNode } from '../../../gateway/console/difference-tree.ts';

function difference(path: string, count: number, more: Partial<DifferenceCount> = {}): DifferenceCount {
  return { path, kind: 'changed', count, noise: 0, confirmed: 0, share: 0, critical: false, ...more };
}

const drawn = (nodes: readonly TreeNode[]): unknown[] =>
  nodes.map(({ name, own, children }) => [name, own.length, ...drawn(children)]);

describe('differenceTree', () => {
  it('puts places below the place that they are in, the most frequent first', () => {
    const tree = differenceTree([
      difference('$.fills[*].fee', 3),
      difference('$.fills[*].price', 9),
      difference('$.id', 4),
      difference('status', 1),
    ]);
    assert.deepEqual(drawn(tree), [
      ['$', 0, ['fills[*]', 0, ['price', 1], ['fee', 1]], ['id', 1]],
      ['status', 1],
    ]);
  });

  it('writes a place that only leads to one other together with it', () => {
    assert.deepEqual(drawn(differenceTree([difference('$.a.b[?id].c', 1)])), [['$.a.b[?id].c', 1]]);
  });

  it('keeps a header whole, dots and all', () => {
    assert.deepEqual(drawn(differenceTree([difference('header:x.y', 1)])), [['header:x.y', 1]]);
  });

  it('keeps two kinds at one place apart', () => {
    const [node] = differenceTree([difference('$.a', 1), difference('$.a', 2, { kind: 'type' })]);
    assert.deepEqual(
      node?.own.map(({ kind }) => kind),
      ['changed', 'type'],
    );
  });

  it('tells at the root that something critical is below, unless a rule covers it', () => {
    assert.equal(differenceTree([difference('$.a.b', 1, { critical: true }), difference('$.c', 1)])[0]?.critical, true);
    const ruled = difference('$.a.b', 1, { critical: true, rule: '$.a' });
    assert.equal(differenceTree([ruled])[0]?.critical, false);
  });
});
