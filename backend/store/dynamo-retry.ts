// Bounded retries of DynamoDB calls: which failures are worth another attempt, and how long to wait.
import { setTimeout as delay } from 'node:timers/promises';
import { ConditionalCheckFailedException, DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { StoreUnavailable } from './store.ts';

const ATTEMPTS_MAX = 4;
const BACKOFF_BASE_MS = 25;
const BACKOFF_MAX_MS = 400;
/** Calls under way at once. Beyond this the store is too slow for its load, and waiting would only hide it. */
const IN_FLIGHT_MAX = 1024;

const THROTTLES: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
]);

/**
 * `no`: asking again would be answered the same. `throttled`: nothing was done, try again. `unclear`: a 5xx or no answer at
 * all; it may have been done, and a repeated conditional write must reckon with that.
 */
function verdict(error: unknown): 'no' | 'throttled' | 'unclear' {
  if (!(error instanceof DynamoDBServiceException)) return 'unclear'; // A socket's error, a timeout.
  if (THROTTLES.has(error.name)) return 'throttled';
  return (error.$metadata.httpStatusCode ?? 500) >= 500 ? 'unclear' : 'no';
}

export type Retry = <T>(operation: string, call: () => Promise<T>, onUnclear?: () => void) => Promise<T>;

/**
 * Runs `call` up to four times with full jitter. Rejects with ConditionalCheckFailedException (an answer, not a failure) or
 * with StoreUnavailable. `onUnclear` is told when an attempt failed that may have been carried out.
 */
export function createRetry(hooks: { onRetry: (operation: string) => void; random?: () => number }): Retry {
  const random = hooks.random ?? Math.random;
  let inFlight = 0;

  async function attempts<T>(operation: string, call: () => Promise<T>, onUnclear: () => void): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) throw error;
        const what = verdict(error);
        if (what === 'unclear') onUnclear();
        if (what === 'no' || attempt === ATTEMPTS_MAX) {
          const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
          throw new StoreUnavailable(`DynamoDB ${operation} failed (attempt ${attempt}): ${reason}`, { cause: error });
        }
        hooks.onRetry(operation);
        await delay(random() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** attempt));
      }
    }
  }

  return async function retry(operation, call, onUnclear = () => {}) {
    if (inFlight >= IN_FLIGHT_MAX) throw new StoreUnavailable(`more than ${IN_FLIGHT_MAX} DynamoDB calls under way`);
    inFlight += 1;
    try {
      return await attempts(operation, call, onUnclear);
    } finally {
      inFlight -= 1;
    }
  };
}
