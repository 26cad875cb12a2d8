// What a command of `banyan-migrate` answers, and how it ends.

/** What the exit codes mean; the same as those of `banyan`. */
export const EXIT = { ok: 0, error: 1, usage: 2, unreachable: 3, conflict: 5, gateNotMet: 6, timedOut: 7 } as const;

/** The command cannot go on: `message` says why and what to do. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** `json` for scripts, `text` for people, `code` where it is not 0. */
export type Result = { readonly json: unknown; readonly text: string; readonly code?: number };

/** Data goes to `out`, everything said to people to `err`. `terminal`: `err` is one, so that a line may be written over. */
export type Output = {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly over?: (line: string) => void;
};
