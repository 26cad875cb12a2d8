// Orders: the legacy table's row to the order that the new backend serves.
import { type OrderRecord, orderFromItem, orderRecord, orderToItem } from '../../backend/store/items.ts';
import * as keys from '../../backend/store/keys.ts';
import { decimalText, nullable, type Row, textOf, timestampText } from '../postgres/values.ts';
import { CANARY_USER, type Job } from './job.ts';
import { printedDecimal, printedTime } from './printed.ts';

/** Never expires before 90 days from the plan, however old the order is: a run must not write what is gone at once. */
const itemOf = (order: OrderRecord, plannedAtMs: number) =>
  orderToItem(order, Math.max(plannedAtMs, Date.parse(order.updated_at)));

function toRecord(row: Row): OrderRecord {
  return orderRecord.parse({
    order_id: textOf(row, 'order_id'),
    user_id: textOf(row, 'user_id'),
    symbol: textOf(row, 'symbol'),
    side: row.side,
    order_type: row.order_type,
    quantity: decimalText(row, 'quantity'),
    price: nullable(decimalText, row, 'price'),
    filled_quantity: decimalText(row, 'filled_quantity'),
    average_price: nullable(decimalText, row, 'average_price'),
    fee: decimalText(row, 'fee'),
    status: row.status,
    mexc_order_id: row.mexc_order_id,
    client_order_id: textOf(row, 'client_order_id'),
    created_at: timestampText(row, 'created_at'),
    updated_at: timestampText(row, 'updated_at'),
    applied_quantity: decimalText(row, 'filled_quantity'), // The positions table holds every fill already.
    submission: null,
    version: 1,
  });
}

export const orders: Job = {
  name: 'orders',
  table: { schema: 'public', name: 'orders' },
  mappingVersion: 1,
  key: [{ name: 'order_id', type: 'uuid' }],
  columns: [
    'order_id',
    'user_id',
    'symbol',
    'side',
    'order_type',
    'quantity',
    'price',
    'filled_quantity',
    'average_price',
    'fee',
    'status',
    'mexc_order_id',
    'client_order_id',
    'created_at',
    'updated_at',
  ],
  dataType: 'ORDER',
  toItem: (row, plannedAtMs) => itemOf(toRecord(row), plannedAtMs),
  rewritten: (item, plannedAtMs) => itemOf(orderFromItem(item), plannedAtMs),
  itemKeyOf: (row) => ({ pk: keys.userPk(textOf(row, 'user_id')), sk: keys.orderSk(textOf(row, 'order_id')) }),
  recordOf: orderFromItem,
  keyOfRecord: ({ order_id }) => [String(order_id)],
  printed: {
    order_id: 'order_id::text',
    user_id: 'user_id',
    symbol: 'symbol',
    side: 'side',
    order_type: 'order_type',
    quantity: printedDecimal('quantity'),
    price: printedDecimal('price'),
    filled_quantity: printedDecimal('filled_quantity'),
    average_price: printedDecimal('average_price'),
    fee: printedDecimal('fee'),
    status: 'status',
    mexc_order_id: 'mexc_order_id',
    client_order_id: 'client_order_id',
    created_at: printedTime('created_at'),
    updated_at: printedTime('updated_at'),
    applied_quantity: printedDecimal('filled_quantity'),
    submission: 'null::text',
    version: "'1'",
  },
  canary: (mark) => ({
    row: {
      order_id: `00000000-0000-4000-8000-${mark}`,
      user_id: CANARY_USER,
      symbol: 'CANARY',
      side: 'BUY',
      order_type: 'LIMIT',
      quantity: '1',
      price: '1',
      filled_quantity: '0',
      average_price: null,
      fee: '0',
      status: 'cancelled',
      mexc_order_id: null,
      client_order_id: `canary-${mark}`,
      created_at: '2000-01-01 00:00:00+00',
      updated_at: '2000-01-01 00:00:00+00',
    },
    field: 'fee',
    value: '0.000000000000000001',
  }),
};
