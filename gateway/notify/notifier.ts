// Tells the configured targets what happens: off the path of requests, each target by itself.
import { randomUUID } from 'node:crypto';
import { SEVERITIES } from '../../config/notify-schema.ts';
import type { NotifyTarget } from '../../config/notify-targets.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { createFlapping } from './flapping.ts';
import type { Teller } from './message.ts';
import type { Notice } from './notice.ts';
import type { Notifier, TestResult } from './notifier-port.ts';
import { type Attempt, createPoster } from './post.ts';
import { createTarget } from './target.ts';

/** What waits at the end is tried once more within this time. */
const CLOSE_TIMEOUT_MS = 3_000;

export interface NotifierDeps {
  readonly targets: readonly NotifyTarget[];
  readonly teller: Teller;
  readonly metrics: Pick<GatewayMetrics, 'notificationsSent' | 'notificationsFailed' | 'notificationsDropped'>;
  readonly log: { warn(facts: object, message: string): void };
  readonly now: () => Date;
}

export function createNotifier({ targets: configured, teller, metrics, log, now }: NotifierDeps): Notifier {
  const poster = createPoster();
  const targets = configured.map((target) =>
    createTarget({
      ...{ target, teller, post: poster.post, nowMs: () => now().getTime() },
      onOutcome(outcome, why = '', problem) {
        const { name } = target;
        if (outcome === 'sent') metrics.notificationsSent.inc({ target: name });
        else if (outcome === 'failed') metrics.notificationsFailed.inc({ target: name, reason: why });
        else metrics.notificationsDropped.inc({ target: name, reason: why });
        if (outcome !== 'sent') log.warn({ target: name, outcome, why, problem }, 'notification not delivered');
      },
    }),
  );
  const flapping = createFlapping((notice) => {
    const message = { id: randomUUID(), notice };
    for (const target of targets) if (isFor(target.config, notice)) target.take(message);
  });

  return {
    notify: flapping.take,
    targets: () => targets.map(({ config: { name, kind, severity }, state }) => ({ name, kind, severity, ...state() })),
    async test(name, sentence) {
      const asked = targets.filter(({ config }) => name === undefined || config.name === name);
      if (asked.length === 0 && name !== undefined) return undefined;
      const notice: Notice = { type: 'test', severity: 'info', at: now().toISOString(), sentence, data: {} };
      const message = { id: randomUUID(), notice };
      return Promise.all(asked.map(async ({ config, sendOnce }) => resultOf(config.name, await sendOnce(message))));
    },
    problems: () =>
      targets.flatMap(({ config: { name }, state }) => {
        const { problem, waiting, dropped } = state();
        if (problem === undefined) return [];
        return [`notifications to ${name} do not arrive: ${problem}; ${waiting} wait, ${dropped} were dropped`];
      }),
    async close() {
      flapping.close();
      const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS);
      await Promise.all(targets.map((target) => target.close(signal)));
      await poster.close();
    },
  };
}

function isFor({ severity, events, routes }: NotifyTarget, { type, severity: given, route }: Notice): boolean {
  if (SEVERITIES.indexOf(given) < SEVERITIES.indexOf(severity)) return false;
  if (events && !events.some((each) => each === type)) return false;
  return !routes || route === undefined || route === '*' || routes.includes(route);
}

function resultOf(target: string, attempt: Attempt): TestResult {
  if (attempt.kind === 'taken') return { target, ok: true, status: attempt.status, problem: null };
  return { target, ok: false, status: null, problem: attempt.problem };
}
