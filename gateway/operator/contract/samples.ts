// Samples of requests whose answers did not agree, and what came of sending one again.
import { z } from 'zod';
import { OUTCOMES } from '../../mirror/observation.ts';
import { replayHeaders } from '../../mirror/replay.ts';
import { difference, outcome } from './evidence.ts';
import { instant, list, named } from './named.ts';

const fields = list(list(z.string())).describe('Name and value of each field, redacted.');

const brief = {
  n: z.number().int(),
  at: instant,
  requestId: z.string(),
  method: z.string(),
  target: z.string(),
  outcome,
  detail: z.string().optional(),
  differences: list(difference),
};

const answer = named(
  'SampleSide',
  z.strictObject({
    status: z.number().int().optional(),
    failure: z.string().optional(),
    durationMs: z.number(),
    headers: fields,
    body: z.string(),
  }),
);

export const sampleList = named('SampleList', z.strictObject({ samples: list(z.strictObject(brief)) }));
export const sample = named(
  'Sample',
  z.strictObject({
    ...brief,
    request: z.strictObject({ headers: fields, body: z.string(), redacted: list(z.string()) }),
    legacy: answer,
    new: answer,
  }),
);

const answerInBrief = z.strictObject({
  status: z.number().int().optional(),
  failure: z.string().optional(),
  durationMs: z.number(),
});

export const replayBody = named('ReplayRequest', z.strictObject({ headers: replayHeaders.default([]) }));
export const replay = named(
  'Replay',
  z.strictObject({
    n: z.number().int(),
    method: z.string(),
    target: z.string(),
    was: z.string(),
    result: z.enum([...OUTCOMES, 'skipped', 'unreplayable']),
    detail: z.string().nullable(),
    differences: list(difference),
    fixed: list(z.string()).describe('Places that differed in the sample and do no longer.'),
    legacy: answerInBrief.nullable(),
    new: answerInBrief.nullable(),
  }),
);
