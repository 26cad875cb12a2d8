/** What the exit codes mean; the same as those of `banyan`. */
export const EXIT = { ok: 0, error: 1, usage: 2, notMet: 6, interrupted: 130 } as const;

/** The command cannot go on: `message` says why and what to do, `code` is the exit code. */
export class LoadtestError extends Error {
  override readonly name = 'LoadtestError';
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
