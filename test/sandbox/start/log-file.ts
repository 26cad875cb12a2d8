import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** A child's log on disk starts over at this size: a sandbox may run for weeks. */
const LOG_BYTES_MAX = 20 * 1024 * 1024;

/** A log file of bounded size, empty at the start. Synchronous: the last words before a crash must get there. */
export function openLogFile(path: string): { write(text: string): void; close(): void } {
  const file = openSync(path, 'w');
  let size = 0;
  return {
    write(text) {
      if (size > LOG_BYTES_MAX) {
        ftruncateSync(file, 0);
        size = 0;
      }
      size += writeSync(file, text, size);
    },
    close: () => closeSync(file),
  };
}
