// Work that is done again and again by a process that can be told to stop.

export type Repeating = {
  /** Begins at once. */
  readonly start: () => void;
  /** Nothing is begun any more; resolves when what is under way has ended. */
  readonly stop: () => Promise<void>;
  readonly isStopped: () => boolean;
};

/** One pass after another, `everyMs` after each has ended. `pass` never rejects. */
export function createRepeating(pass: () => Promise<void>, everyMs: number): Repeating {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  function repeat(): void {
    running = pass().finally(() => {
      if (!stopped) timer = setTimeout(repeat, everyMs).unref();
    });
  }

  return {
    start: repeat,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
    isStopped: () => stopped,
  };
}
