// A message of a stream that was found wanting, as it is kept for people to look at: redacted like any sample.
import type { Difference } from './difference.ts';
import type { Redaction } from './redact.ts';
import type { HeardMessage } from './stream-key.ts';

export type SampledAs = 'different' | 'missing' | 'extra' | 'reordered' | 'late';

/** Longer messages are cut; a difference beyond is still listed with its values. */
const TEXT_CHARS_MAX = 2_000;
const DIFFERENCES_MAX = 20;

export interface StreamSample {
  /** Unlike that of any other sample of the route. */
  readonly n: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Of the request that began the stream. */
  readonly requestId: string;
  readonly outcome: SampledAs;
  readonly differences: readonly Difference[];
  /** Null where the side did not send it. */
  readonly legacy: string | null;
  readonly new: string | null;
}

/** What a sample is made of. */
export interface StreamShown {
  readonly requestId: string;
  readonly outcome: SampledAs;
  readonly differences: readonly Difference[];
  readonly legacy: HeardMessage | undefined;
  readonly new: HeardMessage | undefined;
}

export function streamSampleOf(
  mark: Pick<StreamSample, 'n' | 'at'>,
  shown: StreamShown,
  redaction: Redaction,
): StreamSample {
  const kept = (message: HeardMessage | undefined) =>
    message && redaction.body(message.body, ['content-type', message.contentType]);
  const [legacy, fresh] = [kept(shown.legacy), kept(shown.new)];
  const paired = [legacy, fresh].flatMap((body) => body?.paired ?? []);
  const { requestId, outcome, differences } = shown;
  return {
    ...{ ...mark, requestId, outcome },
    differences: differences.slice(0, DIFFERENCES_MAX).map((difference) => redaction.difference(difference, paired)),
    legacy: legacy?.text.slice(0, TEXT_CHARS_MAX) ?? null,
    new: fresh?.text.slice(0, TEXT_CHARS_MAX) ?? null,
  };
}
