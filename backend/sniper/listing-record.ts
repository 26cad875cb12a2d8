// A listing as it is stored and as the detector sees it. Pure. What the web site shows is kept under the site's own names, as
// the system before did; what is not of the kind known is passed over.
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { isoTime } from '../domain/time.ts';
import type { CalendarRecord } from '../store/sniper-items.ts';
import type { Listing } from './detect.ts';
import type { Signs } from './listing-source.ts';

const text = z.string().nullish().catch(null);
const places = z.int().min(0).max(18).nullish().catch(null);
const details = z.object({ sts: z.int(), st: z.int(), tt: z.int(), cd: text, ca: text, ps: places, qs: places });

export function listingOf(record: CalendarRecord): Listing {
  const { vcoin_id: vcoinId, symbol, project_name: projectName, first_open_time: opens } = record;
  const shown = details.safeParse(record.details).data;
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
  const next = {
    ...record,
    first_open_time: opensAtMs === null ? record.first_open_time : isoTime(opensAtMs),
    details: { ...record.details, sts, st, tt, cd, ca, ps, qs },
  };
  return isDeepStrictEqual(next, record) ? undefined : { ...next, version: record.version + 1 };
}
