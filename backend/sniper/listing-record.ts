// A listing as it is stored and as the detector sees it. Pure. What the web site shows is kept under the site's own names, as
// the system before did; what is not of the kind known is passed over.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { isoTime } from '../domain/time.ts';
import type { CalendarRecord } from '../store/calendar-items.ts';
import type { Listing } from './detect.ts';
import type { Signs } from './listing-source.ts';

const text = z.string().nullish().catch(null);
const places = z.int().min(0).max(18).nullish().catch(null);
const anything = z.record(z.string(), z.unknown());
const signsSchema = z.object({ sts: z.int(), st: z.int(), tt: z.int(), cd: text, ca: text, ps: places, qs: places });

/** What the web site says of a listing besides; nothing where that is no JSON object. */
export function detailsOf({ details }: Pick<CalendarRecord, 'details'>): Readonly<Record<string, unknown>> {
  try {
    return anything.safeParse(JSON.parse(details)).data ?? {};
  } catch {
    return {};
  }
}

export function listingOf(record: CalendarRecord): Listing {
  const { vcoin_id: vcoinId, symbol, project_name: projectName, first_open_time: opens } = record;
  const shown = signsSchema.safeParse(detailsOf(record)).data;
  const signs = shown && {
    ...{ sts: shown.sts, st: shown.st, tt: shown.tt },
    ...{ coinId: shown.cd ?? null, contract: shown.ca ?? null },
    ...{ priceScale: shown.ps ?? null, quantityScale: shown.qs ?? null },
  };
  return { vcoinId, symbol, projectName, opensAtMs: Date.parse(opens), signs };
}

/** The record with what is shown now; undefined when that is what it has. The table of symbols knows best when it opens. */
export function withSigns(record: CalendarRecord, signs: Signs): CalendarRecord | undefined {
  const { sts, st, tt, coinId: cd, contract: ca, priceScale: ps, quantityScale: qs, opensAtMs } = signs;
  const before = detailsOf(record);
  const details = { ...before, sts, st, tt, cd, ca, ps, qs };
  const first_open_time = opensAtMs === null ? record.first_open_time : isoTime(opensAtMs);
  if (first_open_time === record.first_open_time && isDeepStrictEqual(details, before)) return undefined;
  return { ...record, first_open_time, details: JSON.stringify(details), version: record.version + 1 };
}
