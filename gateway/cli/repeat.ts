// `--watch` of the commands that read: the answer again, until Ctrl-C.
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Output, Result } from './answer.ts';
import { CommandError, EXIT } from './exit.ts';

const EVERY_MS = 2_000;

/** Lets a command that reads be repeated; its action passes its options on to `answer`. */
export function watchable(command: Command): Command {
  return command.option('-w, --watch', `say it again whenever it changes, every ${EVERY_MS / 1_000} s, until Ctrl-C`);
}

export interface Repeating {
  /** What is printed of a result. */
  readonly textOf: (result: Result) => string;
  readonly output: Output;
}

/**
 * Prints what `work` answers, and again when that has changed; on a screen in the place of what was there. A gateway that is away is
 * said once and asked on. @throws {CommandError} what the first call does, or any that says that one may not look
 */
export async function repeat(work: () => Promise<Result | undefined>, { textOf, output }: Repeating): Promise<void> {
  const { out, err, clear, signal } = output;
  let shown: string | undefined;
  let trouble: string | undefined;
  while (!signal?.aborted) {
    try {
      const result = await work();
      const text = result && textOf(result);
      if (text !== undefined && (text !== shown || trouble !== undefined)) {
        clear?.();
        out(text);
        for (const note of result?.notes ?? []) err(`note: ${note}`);
      }
      [shown, trouble] = [text, undefined];
    } catch (error) {
      const isPassing =
        error instanceof CommandError && (error.code === EXIT.unreachable || error.code === EXIT.timedOut);
      if (!isPassing || shown === undefined) throw error;
      if (error.message !== trouble) err(`note: ${error.message}; trying again`);
      trouble = error.message;
    }
    await delay(EVERY_MS, undefined, signal ? { signal } : {}).catch(() => {});
  }
}
