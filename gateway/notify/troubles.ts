// Tells when something that the gateway needs goes away, and when it is back.
import type { NoticeType, Severity } from '../../config/notify-schema.ts';
import type { Notice, Notify } from './notice.ts';

export interface Trouble {
  readonly topic: string;
  /** Why it is away now, or undefined. */
  readonly problem: string | undefined;
  /** Whether this gateway is to tell of it; of several one does. */
  readonly isOurs: boolean;
  readonly lost: { readonly type: NoticeType; readonly severity: Severity; readonly sentence: string };
  readonly back: { readonly type: NoticeType; readonly sentence: string };
}

export interface Troubles {
  /** To be called with the same topics again and again. */
  look(troubles: readonly Trouble[]): void;
}

export function createTroubles(notify: Notify, now: () => Date): Troubles {
  const away = new Map<string, number>(); // Of the topics that are away since when, in milliseconds.
  return {
    look(troubles) {
      const at = now();
      const tell = (isOurs: boolean, notice: Notice) => {
        if (isOurs) notify(notice);
      };
      for (const { topic, problem, isOurs, lost, back } of troubles) {
        const sinceMs = away.get(topic);
        if (problem !== undefined && sinceMs === undefined) {
          away.set(topic, at.getTime());
          tell(isOurs, {
            ...lost,
            topic,
            at: at.toISOString(),
            sentence: `${lost.sentence}: ${problem}`,
            data: { problem },
          });
        } else if (problem === undefined && sinceMs !== undefined) {
          away.delete(topic);
          const seconds = Math.round((at.getTime() - sinceMs) / 1_000);
          const sentence = `${back.sentence}, after ${seconds} s`;
          tell(isOurs, { ...back, severity: 'info', topic, at: at.toISOString(), sentence, data: { seconds } });
        }
      }
    },
  };
}
