// What k6 writes while it runs, a line of JSON a sample: the samples that are ours.
import { z } from 'zod';
import { TARGETS } from './k6/settings.ts';

const point = z.object({
  type: z.literal('Point'),
  metric: z.enum(['answer_ms', 'answer_failed', 'dropped_iterations']),
  data: z.object({
    time: z.string(),
    value: z.number(),
    tags: z
      .object({ route: z.string().optional(), target: z.enum(TARGETS).optional(), side: z.string().optional() })
      .nullish(),
  }),
});

export type Point =
  | {
      readonly metric: 'answer_ms' | 'answer_failed';
      readonly atMs: number;
      readonly value: number;
      readonly route: string;
      readonly side: string;
    }
  | { readonly metric: 'lost'; readonly count: number };

/** The sample of a line: `undefined` for one that is not ours, `text` for what k6 says to people. */
export function pointOf(line: string): Point | 'text' | undefined {
  if (!line.startsWith('{"')) return 'text';
  // Most lines are samples of other metrics: seen without parsing them.
  if (!/"metric":"(answer_|dropped_)/.test(line)) return undefined;
  const parsed = point.safeParse(JSON.parse(line));
  if (!parsed.success) return undefined;
  const { metric, data } = parsed.data;
  if (metric === 'dropped_iterations') return { metric: 'lost', count: data.value };
  const { route, side } = data.tags ?? {};
  if (route === undefined || side === undefined) return undefined;
  return { metric, atMs: Date.parse(data.time), value: data.value, route, side };
}
