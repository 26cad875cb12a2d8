// Positions: the legacy table's row to the position that the new backend serves.
import { positionFromItem, positionRecord, positionToItem } from '../../backend/store/items.ts';
import * as keys from '../../backend/store/keys.ts';
import { decimalText, textOf, timestampText } from '../postgres/values.ts';
import { CANARY_USER, type Job } from './job.ts';
import { printedDecimal, printedTime } from './printed.ts';

export const positions: Job = {
  name: 'positions',
  table: { schema: 'public', name: 'positions' },
  mappingVersion: 1,
  key: [
    { name: 'user_id', type: 'text' },
    { name: 'symbol', type: 'text' },
  ],
  columns: ['user_id', 'symbol', 'side', 'quantity', 'entry_price', 'realized_pnl', 'opened_at', 'updated_at'],
  dataType: 'POSITION',
  toItem: (row) =>
    positionToItem(
      positionRecord.parse({
        user_id: textOf(row, 'user_id'),
        symbol: textOf(row, 'symbol'),
        side: row.side,
        quantity: decimalText(row, 'quantity'),
        entry_price: decimalText(row, 'entry_price'),
        realized_pnl: decimalText(row, 'realized_pnl'),
        opened_at: timestampText(row, 'opened_at'),
        updated_at: timestampText(row, 'updated_at'),
        applied: {},
        version: 1,
      }),
    ),
  rewritten: (item) => positionToItem(positionFromItem(item)),
  itemKeyOf: (row) => ({ pk: keys.userPk(textOf(row, 'user_id')), sk: keys.positionSk(textOf(row, 'symbol')) }),
  recordOf: positionFromItem,
  keyOfRecord: ({ user_id, symbol }) => [String(user_id), String(symbol)],
  printed: {
    user_id: 'user_id',
    symbol: 'symbol',
    side: 'side',
    quantity: printedDecimal('quantity'),
    entry_price: printedDecimal('entry_price'),
    realized_pnl: printedDecimal('realized_pnl'),
    opened_at: printedTime('opened_at'),
    updated_at: printedTime('updated_at'),
    applied: "'{}'",
    version: "'1'",
  },
  canary: (mark) => ({
    row: {
      user_id: CANARY_USER,
      symbol: `CANARY${mark}`,
      side: 'long',
      quantity: '1',
      entry_price: '1',
      realized_pnl: '0',
      opened_at: '2000-01-01 00:00:00+00',
      updated_at: '2000-01-01 00:00:00+00',
    },
    field: 'realized_pnl',
    value: '0.000000000000000001',
  }),
};
