// Listings of the calendar: the legacy table's row to the listing that the new backend reads. The legacy `id` stays behind: the
// exchange's own id names the listing on both sides.
import { calendarFromItem, calendarRecord, calendarToItem } from '../../backend/store/calendar-items.ts';
import * as keys from '../../backend/store/keys.ts';
import { decimalText, nullable, textOf, timestampText } from '../postgres/values.ts';
import { CANARY_USER, type Job } from './job.ts';
import { printedDecimal, printedTime } from './printed.ts';

export const calendarEvents: Job = {
  name: 'calendar_events',
  table: { schema: 'public', name: 'calendar_events' },
  mappingVersion: 1,
  key: [{ name: 'vcoin_id', type: 'text' }],
  columns: [
    'vcoin_id',
    'symbol',
    'project_name',
    'first_open_time',
    'status',
    'launch_price',
    'token_supply',
    'details',
    'created_at',
  ],
  dataType: 'CALENDAR',
  toItem: (row, plannedAtMs) =>
    calendarToItem(
      calendarRecord.parse({
        vcoin_id: textOf(row, 'vcoin_id'),
        symbol: textOf(row, 'symbol'),
        project_name: textOf(row, 'project_name'),
        first_open_time: timestampText(row, 'first_open_time'),
        status: row.status,
        launch_price: nullable(decimalText, row, 'launch_price'),
        token_supply: nullable(decimalText, row, 'token_supply'),
        details: textOf(row, 'details'),
        created_at: timestampText(row, 'created_at'),
        version: 1,
      }),
      plannedAtMs,
    ),
  rewritten: (item, plannedAtMs) => calendarToItem(calendarFromItem(item), plannedAtMs),
  itemKeyOf: (row) => ({ pk: keys.CALENDAR_PK, sk: keys.calendarSk(textOf(row, 'vcoin_id')) }),
  recordOf: calendarFromItem,
  keyOfRecord: ({ vcoin_id }) => [String(vcoin_id)],
  printed: {
    vcoin_id: 'vcoin_id',
    symbol: 'symbol',
    project_name: 'project_name',
    first_open_time: printedTime('first_open_time'),
    status: 'status',
    launch_price: printedDecimal('launch_price'),
    token_supply: printedDecimal('token_supply'),
    details: 'details::text',
    created_at: printedTime('created_at'),
    version: "'1'",
  },
  canary: (mark) => ({
    row: {
      vcoin_id: `${CANARY_USER}-${mark}`,
      symbol: 'CANARY',
      project_name: 'canary',
      first_open_time: '2000-01-01 00:00:00+00',
      status: 'missed',
      launch_price: null,
      token_supply: null,
      details: '{}',
      created_at: '2000-01-01 00:00:00+00',
    },
    field: 'project_name',
    value: 'canary, come back',
  }),
};
