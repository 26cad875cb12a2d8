// What a command answers, and how it does.
import type { ApiClient } from './client.ts';
import type { Text } from './table.ts';

/** A command's result: `json` for scripts, `text` for people, `notes` for people beside either (on stderr). */
export interface Result {
  readonly json: unknown;
  readonly text: Text;
  readonly notes?: readonly string[];
  /** The exit code, where it is not 0. */
  readonly code?: number;
}

/** Where a command's words go: data to `out`, everything said to people to `err`. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** Asks a person, where there is one at a terminal. */
  readonly ask?: (question: string) => Promise<boolean>;
  /** The same by a single key, where Enter and y are yes. */
  readonly confirm?: (question: string) => Promise<boolean>;
  /** Empties the screen, where stdout is one. */
  readonly clear?: () => void;
  /** Ends the process by Ctrl-C from now on; not for `serve`, which stops by itself. */
  readonly endOnInterrupt?: () => void;
  /** Ends what is repeated. */
  readonly signal?: AbortSignal;
}

/** Of a command that may be repeated. */
export interface Watching {
  readonly watch?: boolean;
}

/**
 * Calls the gateway as the options say, and prints what `work` makes of it, unless it has printed it by itself; with `watch` again
 * and again.
 */
export type Answer = (
  work: (api: ApiClient) => Promise<Result | undefined>,
  watching?: Watching,
) => () => Promise<void>;

/** Prints a result, and sets the exit code. */
export type Print = (result: Result) => void;
