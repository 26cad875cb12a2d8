// What a running gateway keeps an eye on beside its traffic: what it depends on, and what data jobs certify.
import type { EvidenceKeeper } from './evidence-keeper.ts';
import type { Notices } from './notices.ts';
import type { Plans } from './plans.ts';
import type { Control } from './rollout/control.ts';
import type { Flags } from './rollout/flags.ts';
import type { CurrentSettings } from './settings.ts';
import type { KeptWrites } from './writes/kept-writes.ts';
import { watchWayBack } from './writes/way-back.ts';

/** Answers what ends that. */
export function watchAround({
  settings,
  flags,
  control,
  keeper,
  plans,
  writes,
  notices,
  now,
  raised,
}: AroundDeps): () => void {
  const { leads } = plans;
  notices.watch({
    leads,
    // A problem while they can be read, such as a flag that cannot be made, is no loss.
    flagsProblem: () => (flags.staleMs() > 0 ? flags.problem() : undefined),
    ledgerProblem: () => control.problem() ?? keeper.problem() ?? writes.problem() ?? plans.problem(),
    upstreams: () => settings.current.upstreams.health,
  });
  return watchWayBack({ settings, writes, leads, now, raised }).close;
}

interface AroundDeps {
  readonly settings: CurrentSettings;
  readonly flags: Flags;
  readonly control: Control;
  readonly keeper: EvidenceKeeper;
  readonly plans: Plans;
  readonly writes: KeptWrites;
  readonly notices: Pick<Notices, 'watch'>;
  readonly now: () => Date;
  readonly raised: (operation: string, error: unknown) => void;
}
