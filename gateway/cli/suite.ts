// Samples kept in a file: a regression suite for builds to come, with the rules that it is judged by.
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { parseCompare } from '../../config/compare-rules.ts';
import { redact } from '../../config/route-schema.ts';
import { CommandError, EXIT } from './exit.ts';

const keptAnswer = z.looseObject({
  status: z.number().optional(),
  failure: z.string().optional(),
  durationMs: z.number(),
  headers: z.array(z.array(z.string())),
  body: z.string(),
});

export const sampleSchema = z.looseObject({
  n: z.number(),
  method: z.string(),
  target: z.string().startsWith('/'),
  request: z.object({ headers: z.array(z.array(z.string())), body: z.string(), redacted: z.array(z.string()) }),
  outcome: z.string(),
  differences: z.array(z.looseObject({ path: z.string(), kind: z.string(), rule: z.string().optional() })),
  legacy: keptAnswer,
});

export const suiteSchema = z.object({
  version: z.literal(1),
  route: z.string(),
  compare: z.unknown().transform(parseCompare),
  redact,
  timeoutMs: z.number(),
  bodyBytesMax: z.number(),
  samples: z.array(sampleSchema),
});
export type Suite = z.output<typeof suiteSchema>;

/** @throws {CommandError} when the file cannot be written. */
export function saveSuite(file: string, suite: Suite): void {
  try {
    // Secrets are replaced in samples; what is left is still somebody's data.
    writeFileSync(file, `${JSON.stringify(suite, null, 2)}\n`, { mode: 0o600 });
  } catch (error) {
    throw new CommandError(EXIT.error, `${file} cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws {CommandError} when the file is none. */
export function readSuite(file: string): Suite {
  try {
    return suiteSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const way = 'make one with banyan diffs replay ID --save FILE';
    throw new CommandError(EXIT.usage, `${file} holds no samples (${(error as Error).message}); ${way}`, {
      cause: error,
    });
  }
}
