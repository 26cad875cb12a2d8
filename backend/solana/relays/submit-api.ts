// The submit API that bloXroute and NextBlock both have: one transaction, or a batch that is a bundle.
import { z } from 'zod';
import type { Line, LineAnswer } from './line.ts';
import type { Handed } from './relay.ts';

const answerBody = z.object({
  signature: z.string().optional(),
  uuid: z.string().nullish(),
  transactions: z.array(z.object({ submitted: z.boolean(), error: z.string().default('') })).optional(),
  message: z.string().optional(),
});

/** What the answer to a submission says. A batch tells of each transaction; one that is not taken is the whole refused. */
export function handedOf(answer: LineAnswer, line: Pick<Line, 'shown'>): Handed {
  if (answer.kind !== 'answer') return answer;
  const body = answerBody.safeParse(answer.body).data;
  const failed = body?.transactions?.find(({ submitted }) => !submitted);
  const isTaken = body?.signature !== undefined || body?.transactions !== undefined;
  if (answer.status < 300 && isTaken && !failed) return { kind: 'taken', receipt: body?.uuid ?? null };
  const why = failed?.error ?? body?.message ?? `it answered ${answer.status}`;
  return { kind: 'refused', detail: line.shown(why) };
}

export const content = (transaction: string) => ({ transaction: { content: transaction } });
