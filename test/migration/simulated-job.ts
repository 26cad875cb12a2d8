// A job small enough to see through: the item's place depends on a column that may change, and some values cannot be mapped.
import type { AttributeValue, Item } from '../../backend/store/items.ts';
import type { Job } from '../../migration/jobs/job.ts';
import { BadValue, type Row } from '../../migration/postgres/values.ts';

const attribute = (cell: string | null | undefined): AttributeValue =>
  cell === null || cell === undefined ? { NULL: true } : { S: cell };

function toItem(row: Row): Item {
  if (row.a === 'bad') throw new BadValue('a is bad');
  return {
    pk: { S: `U#${row.u}` },
    sk: { S: `K#${row.k}` },
    ...{ k: attribute(row.k), u: attribute(row.u), a: attribute(row.a), b: attribute(row.b) },
  };
}

export const SIMULATED_JOB: Job = {
  name: 'simulated',
  table: { schema: 'public', name: 'simulated' },
  mappingVersion: 1,
  key: [{ name: 'k', type: 'text' }],
  columns: ['k', 'u', 'a', 'b'],
  dataType: 'SIMULATED',
  toItem,
  rewritten: (item) => item,
  itemKeyOf: (row) => ({ pk: `U#${row.u}`, sk: `K#${row.k}` }),
  recordOf: (item) => item,
  keyOfRecord: ({ k }) => [String(k)],
  printed: {},
  canary: (mark) => ({ row: { k: mark, u: 'u', a: 'a', b: 'b' }, field: 'a', value: 'b' }),
};
