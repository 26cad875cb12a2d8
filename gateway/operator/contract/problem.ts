// What every refusal is: problem details (RFC 9457).
import { z } from 'zod';
import { instant, named, revision } from './named.ts';

export const problem = named(
  'Problem',
  z.strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('What is wrong, and what to do.'),
    requestId: z.string().describe("Under this the gateway's log and audit log have it."),
    changedBy: z.string().optional().describe('With 412: who has made the change that was not seen.'),
    changedAt: instant.optional().describe('With 412: when.'),
    revision: revision.optional().describe('With 412: what the ETag would be now.'),
  }),
);
export type ProblemAnswer = z.output<typeof problem>;
