// The data jobs by name.
import type { Job } from './job.ts';
import { orders } from './orders.ts';
import { positions } from './positions.ts';

export const JOBS: ReadonlyMap<string, Job> = new Map([orders, positions].map((job) => [job.name, job]));
