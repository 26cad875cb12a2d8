// The writes that new has accepted and legacy has not got: what a rollback would leave behind.
import { z } from 'zod';
import { count, instant, list, named } from './named.ts';
import { reason } from './reason.ts';

export const lackedInBrief = {
  count,
  since: instant.nullable().describe('When the first of those that are listed was made; null for none.'),
};
export const writesLegacyLacks = named(
  'WritesLegacyLacks',
  z.strictObject({
    ...lackedInBrief,
    upTo: count.describe('The number of the last write that was counted: what an acknowledgement names.'),
    keys: list(z.strictObject({ n: count, at: instant, key: z.string() })).describe('The first and the latest.'),
  }),
);
export const lackedOfAll = z.strictObject({
  count,
  routes: z.record(z.string(), count).describe('How many of each route that has any.'),
});
export const acknowledgeBody = named(
  'AcknowledgeWrites',
  z.strictObject({ upTo: count.describe('The number of the last write that legacy has got.'), reason }),
);
