// What a route may say of its writes: requests that are not safe, and that the new side has accepted.
import { z } from 'zod';
import { isPlace } from './compare-path.ts';
import { jobName } from './plan-schema.ts';

const KEYS_MAX = 5;
const PARAMETER = /^param:([^{}?/:]+)$/;
const HEADER = /^header:([A-Za-z0-9-]+)$/;

/** The parameter of the path that a part of a key names; undefined for another part. */
export function writeKeyParameter(text: string): string | undefined {
  return PARAMETER.exec(text)?.[1];
}

/** The request header that a part of a key names; undefined for another part. */
export function writeKeyHeader(text: string): string | undefined {
  return HEADER.exec(text)?.[1];
}

const writeKey = z
  .string()
  .refine(
    (text) => PARAMETER.test(text) || HEADER.test(text) || isPlace(text),
    'expected param:NAME, header:NAME, or a path of names only in the answer such as $.order_id',
  );

export const writes = z.strictObject({
  count: z
    .boolean()
    .default(true)
    .describe(
      'Whether requests that are not safe, and that the new side has answered with 2xx, count as writes that legacy lacks. False for a route whose POST changes nothing.',
    ),
  key: z
    .array(writeKey)
    .min(1)
    .max(KEYS_MAX)
    .optional()
    .describe(
      "What names a write to those who have to repeat it on legacy: parameters of the path (param:NAME), request headers (header:NAME), members of the answer's JSON body ($.order_id). " +
        "Without it all parameters of the path, else what mirror.ids finds in answers, else the request's id.",
    ),
  wayBack: jobName
    .optional()
    .describe(
      'Data job that brings these writes to legacy. Its certificate says that legacy lacks none, once it is valid and younger than the last of them; it is looked for in certificates.',
    ),
});
