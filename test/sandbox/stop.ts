import process from 'node:process';

/**
 * Runs `stop` at the first SIGTERM or SIGINT, then exits: 0 when it stopped, 1 when stopping failed. Further signals
 * are ignored meanwhile; whoever is impatient has SIGKILL.
 */
export function stopOnSignal(name: string, stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (): void => {
    if (stopping) return;
    stopping = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`${name}: could not stop cleanly:`, error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
