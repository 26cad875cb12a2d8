// What the rest of the gateway sees of notifications; notifier.ts, and the client that it sends with, are loaded only where
// somebody is to be told.
import type { NotifyConfig, Severity } from '../../config/notify-schema.ts';
import type { Notify } from './notice.ts';

export interface TargetState {
  readonly waiting: number;
  readonly sent: number;
  readonly failed: number;
  readonly dropped: number;
  /** Why messages do not arrive, or undefined. */
  readonly problem: string | undefined;
}

export interface TargetView extends TargetState {
  readonly name: string;
  readonly kind: NotifyConfig['kind'];
  readonly severity: Severity;
}

export interface Notifier {
  notify: Notify;
  /** The targets, without what is secret of them. */
  targets(): readonly TargetView[];
  /** Sends a notice to one target, or to all of them, at once and once; answers what came of it. Undefined where no target is called so. */
  test(name: string | undefined, sentence: string): Promise<readonly TestResult[] | undefined>;
  /** Why notifications do not arrive: a sentence for each target. */
  problems(): readonly string[];
  close(): Promise<void>;
}

export interface TestResult {
  readonly target: string;
  readonly ok: boolean;
  readonly status: number | null;
  readonly problem: string | null;
}

/** Where nobody is to be told. */
export const NO_NOTIFIER: Notifier = {
  notify() {},
  targets: () => [],
  test: async (name) => (name === undefined ? [] : undefined),
  problems: () => [],
  close: async () => {},
};
