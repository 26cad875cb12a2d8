/** What the command line's exit codes mean; scripts rely on them. */
export const EXIT = {
  ok: 0,
  error: 1,
  usage: 2,
  unreachable: 3,
  notPermitted: 4,
  conflict: 5,
  gateNotMet: 6,
  timedOut: 7,
  rolledBack: 8,
  /** By Ctrl-C. */
  interrupted: 130,
} as const;

/** The command cannot go on: `message` says why and what to do, `code` is the exit code. */
export class CommandError extends Error {
  readonly code: number;

  constructor(code: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.code = code;
  }
}
