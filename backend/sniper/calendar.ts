// Keeping the calendar: asking the exchange's web site as often as is worth it, and saying so when it does not answer as it did.
import type { Metrics } from '../metrics.ts';
import { type Board, type BoardDeps, createBoard } from './board.ts';
import type { Listed, ListingSource, SourceFailure } from './listing-source.ts';
import { pollAfterMs, type Source } from './polling.ts';

/** How often it is looked whether a question is due, ms. */
const TICK_MS = 250;

export type Calendar = Pick<Board, 'of' | 'pending' | 'markSniped'> & {
  /** Asks whatever is due. Never rejects. */
  readonly pass: () => Promise<void>;
  readonly start: () => void;
  readonly stop: () => Promise<void>;
};

export type CalendarDeps = BoardDeps & {
  /** Undefined: nobody is asked, and what others have stored is all there is. */
  readonly source: ListingSource | undefined;
  /** The longest wait between two questions, whatever happened, ms. */
  readonly pollMostMs: number;
  readonly metrics: Pick<Metrics, 'sniperPolls' | 'sniperDrifted' | 'sniperListingsDropped'>;
  readonly raised: (operation: string, error: unknown) => void;
};

/** Asks `source` whatever is due. */
function createAsking(deps: CalendarDeps, board: Board): (source: ListingSource | undefined) => Promise<void> {
  const { metrics, now, raised, pollMostMs } = deps;
  const { nearestMs } = board;
  const dueMs: Record<Source, number> = { calendar: 0, symbols: 0 };
  const failures: Record<Source, number> = { calendar: 0, symbols: 0 };

  /** One question; what could not be read of its answer is counted and told of, and the rest is taken. */
  async function ask<T>(
    name: Source,
    question: () => Promise<Listed<T> | SourceFailure>,
    take: (entry: T) => Promise<void>,
  ): Promise<void> {
    const answer = await question();
    metrics.sniperPolls.inc({ source: name, result: answer.kind });
    const isGood = answer.kind === 'listed';
    failures[name] = isGood ? 0 : failures[name] + 1;
    if (!isGood) {
      raised(`sniper.${name}`, new Error(`the exchange’s web site: ${answer.kind}: ${answer.detail}`));
    } else {
      metrics.sniperDrifted.inc({ source: name }, answer.drifted);
      if (answer.drifted > 0) {
        raised(
          `sniper.${name}.drift`,
          new Error(`${answer.drifted} entries have another shape, e.g. ${answer.example}`),
        );
      }
      for (const entry of answer.entries) await take(entry);
    }
    dueMs[name] = now() + pollAfterMs(name, nearestMs(), failures[name], pollMostMs);
  }

  async function askWhatIsDue(source: ListingSource | undefined): Promise<void> {
    if (now() >= dueMs.calendar) {
      dueMs.calendar = now() + pollAfterMs('calendar', nearestMs(), 1, pollMostMs); // Unless all goes well.
      await board.load();
      if (source) await ask('calendar', source.calendar, board.takeAnnounced);
      // A listing that has just come up is not to wait for the pace of a calm calendar.
      dueMs.symbols = Math.min(
        dueMs.symbols,
        now() + pollAfterMs('symbols', nearestMs(), failures.symbols, pollMostMs),
      );
    }
    if (!source || now() < dueMs.symbols || nearestMs() === undefined) return;
    dueMs.symbols = now() + pollAfterMs('symbols', nearestMs(), 1, pollMostMs);
    await ask('symbols', source.symbols, board.takeSigns);
  }

  return askWhatIsDue;
}

export function createCalendar(deps: CalendarDeps): Calendar {
  const { source, raised } = deps;
  const board = createBoard(deps);
  const askWhatIsDue = createAsking(deps, board);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function pass(): Promise<void> {
    try {
      await askWhatIsDue(source);
    } catch (error) {
      raised('sniper.calendar', error);
    }
  }

  function repeat(): void {
    running = pass().finally(() => {
      if (!stopped) timer = setTimeout(repeat, TICK_MS).unref();
    });
  }

  return {
    of: board.of,
    pending: board.pending,
    markSniped: board.markSniped,
    pass,
    start: repeat,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      await source?.close();
    },
  };
}
