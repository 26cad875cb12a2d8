// Something that people should hear of.
import type { NoticeType, Severity } from '../../config/notify-schema.ts';

export interface Notice {
  /** `test` is sent when somebody asks for it, to whoever is asked about. */
  readonly type: NoticeType | 'test';
  readonly severity: Severity;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The route that it is about, `*` for all of them; undefined where it is about none. */
  readonly route?: string;
  /** For people: what happened, and why. */
  readonly sentence: string;
  /** The numbers, as plain JSON. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What may go to and fro; notices of one topic are not sent all when they come too fast. Undefined: each is sent. */
  readonly topic?: string;
}

/** Takes a notice. Never throws, and never waits. */
export type Notify = (notice: Notice) => void;
