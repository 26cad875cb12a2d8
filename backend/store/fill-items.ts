// The fill log: what each position is the fold of, in order, one item an entry. Written once and never changed.
import { z } from 'zod';
import {
  attributesOf,
  byAsset,
  type Item,
  money,
  orderRecord,
  plainRecordOf,
  positionRecord,
  side,
  symbol,
  timestamp,
  userId,
} from './items.ts';
import * as keys from './keys.ts';

const common = { user_id: userId, symbol, seq: z.number().int().min(1), at: timestamp };

/**
 * `opening`: what the position was when its log began (one that came from elsewhere). `fill`: what was new of an order, with
 * `total`, what the position has from that order in all once it holds this.
 */
export const fillRecord = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('opening'),
    position: positionRecord.pick({
      side: true,
      quantity: true,
      entry_price: true,
      realized_pnl: true,
      opened_at: true,
    }),
  }),
  z.object({
    ...common,
    kind: z.literal('fill'),
    order_id: orderRecord.shape.order_id,
    side,
    /** Zero where only a fee is new. */
    quantity: money,
    price: money,
    /** By asset. */
    fees: byAsset,
    total: z.object({ quantity: money, quote: money, fee: money, other_fees: byAsset.optional() }),
  }),
]);
export type FillRecord = z.infer<typeof fillRecord>;

/** No expiry: a position must be able to be rebuilt for as long as it is kept, and it is kept for ever. */
export function fillToItem(fill: FillRecord): Item {
  return {
    ...attributesOf(fillRecord.parse(fill)),
    [keys.PK]: { S: keys.userPk(fill.user_id) },
    [keys.SK]: { S: keys.fillSk(fill.symbol, fill.seq) },
    data_type: { S: 'FILL' },
    [keys.SYMBOL_SHARD]: { S: keys.symbolShard(fill.symbol, fill.user_id) },
  };
}

export function fillFromItem(item: Item): FillRecord {
  return fillRecord.parse(plainRecordOf(item));
}
