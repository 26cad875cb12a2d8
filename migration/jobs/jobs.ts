// The data jobs by name.
import { calendarEvents } from './calendar-events.ts';
import type { Job } from './job.ts';
import { orders } from './orders.ts';
import { positions } from './positions.ts';

export const JOBS: ReadonlyMap<string, Job> = new Map(
  [orders, positions, calendarEvents].map((job) => [job.name, job]),
);
