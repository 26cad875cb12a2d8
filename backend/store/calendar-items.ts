// Listings of the exchange's calendar: when a new coin opens, and what came of it.
import { z } from 'zod';
import { attributesOf, type Item, money, plainRecordOf, symbol, timestamp } from './items.ts';
import * as keys from './keys.ts';

export const CALENDAR_STATUSES = ['detected', 'sniped', 'missed'] as const;

export const calendarRecord = z.object({
  /** The exchange's own id of the listing. */
  vcoin_id: z.string().min(1).max(128),
  symbol,
  project_name: z.string().max(512),
  first_open_time: timestamp,
  status: z.enum(CALENDAR_STATUSES),
  launch_price: money.nullable(),
  token_supply: money.nullable(),
  /** What else the exchange said, as the text of a JSON document, whose numbers may be longer than a float. */
  details: z.string(),
  created_at: timestamp,
});
export type CalendarRecord = z.infer<typeof calendarRecord>;

/** Kept for good: they are few, and what became of a listing is what patterns are learned from. */
export function calendarToItem(event: CalendarRecord): Item {
  return {
    ...attributesOf(calendarRecord.parse(event)),
    [keys.PK]: { S: keys.calendarPk(event.vcoin_id) },
    [keys.SK]: { S: keys.CALENDAR_SK },
    data_type: { S: 'CALENDAR' },
    [keys.SYMBOL_SHARD]: { S: keys.symbolShard(event.symbol, event.vcoin_id) },
    [keys.DATA_TYPE_SHARD]: { S: keys.calendarShard(keys.shardOf(event.vcoin_id)) },
  };
}

/** Throws a ZodError on an item that is no listing. Attributes of others (a migration's marks) are passed over. */
export function calendarFromItem(item: Item): CalendarRecord {
  return calendarRecord.parse(plainRecordOf(item));
}
