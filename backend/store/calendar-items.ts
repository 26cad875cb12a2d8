// Listings of the exchange's calendar: when a new coin opens, and what came of it.
import { z } from 'zod';
import { attributesOf, expiry, type Item, money, plainRecordOf, symbol, timestamp, version } from './items.ts';
import * as keys from './keys.ts';

/** detected: on its way, or not taken part in. sniped, missed: what became of it. */
export const CALENDAR_STATUSES = ['detected', 'sniped', 'missed'] as const;
export type CalendarStatus = (typeof CALENDAR_STATUSES)[number];

export const calendarRecord = z.object({
  /** The exchange's own id of the listing. */
  vcoin_id: z.string().min(1).max(128),
  symbol,
  project_name: z.string().max(512),
  first_open_time: timestamp,
  status: z.enum(CALENDAR_STATUSES),
  launch_price: money.nullable(),
  token_supply: money.nullable(),
  /** What the exchange's web site says of it besides: the text of a JSON object, whose numbers may be longer than a float. */
  details: z.string(),
  created_at: timestamp,
  version,
});
export type CalendarRecord = z.infer<typeof calendarRecord>;

/** A listing leaves 90 days after it opened, or after it was written, where that is later. */
export function calendarToItem(listing: CalendarRecord, nowMs: number): Item {
  return {
    ...attributesOf(calendarRecord.parse(listing)),
    [keys.PK]: { S: keys.CALENDAR_PK },
    [keys.SK]: { S: keys.calendarSk(listing.vcoin_id) },
    data_type: { S: 'CALENDAR' },
    [keys.TTL]: { N: expiry(Math.max(nowMs, Date.parse(listing.first_open_time))) },
  };
}

/** Throws a ZodError on an item that is no listing. Attributes of others (a migration's marks) are passed over. */
export function calendarFromItem(item: Item): CalendarRecord {
  return calendarRecord.parse(plainRecordOf(item));
}
