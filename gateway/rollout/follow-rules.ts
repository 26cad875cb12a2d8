// Rules that other gateways with the same ledger have made or removed come into force here too.
import type { OperatorRules } from './operator-rules.ts';

/** As late as the evidence of other gateways. */
const FOLLOW_INTERVAL_MS = 5_000;

export interface FollowRulesDeps {
  readonly rules: Pick<OperatorRules, 'refresh'>;
  /** Called when rules have changed that others have changed. */
  readonly onChange: () => void;
  /** Called once an outage of the ledger. */
  readonly raised: (operation: string, error: unknown) => void;
}

export function followRules({ rules, onChange, raised }: FollowRulesDeps): { close(): void } {
  let isReading = false; // A slow ledger must not gather a queue of turns.
  let isFailing = false;
  let isClosed = false;

  async function read(): Promise<void> {
    isReading = true;
    try {
      if (await rules.refresh()) onChange();
      isFailing = false;
    } catch (error) {
      if (!isFailing && !isClosed) raised('ledger.rules', error);
      isFailing = true;
    }
    isReading = false;
  }

  const timer = setInterval(() => void (isReading || read()), FOLLOW_INTERVAL_MS).unref();
  return {
    close() {
      isClosed = true; // The ledger may be closed under a reading.
      clearInterval(timer);
    },
  };
}
