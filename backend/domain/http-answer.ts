// What is read of an HTTP answer the same way from whoever it comes.
import { z } from 'zod';

export class AnswerTooLarge extends Error {}

/** A body as text. @throws {AnswerTooLarge} when it is above `bytesMax`, having read no further. */
export async function readText(body: AsyncIterable<Buffer>, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new AnswerTooLarge(`an answer of more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const secondsText = z.string().regex(/^\d{1,9}$/);

/** How long the server asked us to wait, ms (RFC 9110 section 10.2.3, in its form of seconds). */
export function retryAfterMs(value: unknown): number | undefined {
  const seconds = secondsText.safeParse(value).data;
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
