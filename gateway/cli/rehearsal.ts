// --dry-run: everything that a command does up to its change, and what that change would have been.
import type { Result } from './answer.ts';
import type { ApiClient } from './client.ts';

interface Change {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly ifMatch: string | null;
}

class NotSent extends Error {
  readonly change: Change;

  constructor(change: Change) {
    super('not sent');
    this.change = change;
  }
}

/** Does `work` with a client that sends no change. */
export async function rehearse(
  api: ApiClient,
  work: (api: ApiClient) => Promise<Result | undefined>,
): Promise<Result | undefined> {
  const trial: ApiClient = {
    ...api,
    send(method, path, body, ifMatch) {
      return Promise.reject(new NotSent({ method, path, body, ifMatch: ifMatch ?? null }));
    },
  };
  try {
    return await work(trial);
  } catch (error) {
    if (!(error instanceof NotSent)) throw error;
    const { method, path, body } = error.change;
    const text = `would ${method} ${path} ${JSON.stringify(body)}`;
    return { json: { dryRun: true, ...error.change }, text, notes: ['nothing was changed'] };
  }
}
