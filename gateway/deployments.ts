// Deployments of a running gateway: begun and taken back by operators, looked after by the gateway that leads, followed by
// all that share the ledger. What is in force is in the ledger, so that it survives whatever process dies.
import { DEPLOYMENT, type PlanStore } from './ledger/plan-store.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { PlansPace } from './plans.ts';
import { askHealth } from './proxy/health.ts';
import type { GatewayLog } from './request-log.ts';
import { type Actor, type Changes, ControlError } from './rollout/changes.ts';
import {
  type Deployment,
  type DeploymentFacts,
  type DeploymentMove,
  deploymentIn,
  documentOf,
  isUnderWay,
  nextMove,
} from './rollout/deployment.ts';
import type { BothServed } from './rollout/facts.ts';
import type { Serving } from './serving.ts';
import type { SettingsHolder } from './settings.ts';
import { VersionTrial } from './version-trial.ts';
import { type VersionsInForce, versionScope, withVersion } from './versions.ts';

const LOOK_INTERVAL_MS = 1_000;
/** Who moves a deployment by itself, in the audit log. */
const GUARD = 'guard';

/** What an operator asks for. */
export interface DeployRequest {
  readonly version: string;
  /** The canary's share; undefined: as configured. */
  readonly percent: number | undefined;
  readonly actor: Actor;
  /** The revision that the operator has seen; undefined means any. */
  readonly expected: number | undefined;
}

export interface DeploymentView {
  /** In the order of the configuration; none where none is configured. */
  readonly versions: readonly { readonly version: string; readonly url: string; readonly percent: number }[];
  /** The last one that was begun. */
  readonly deployment: (Deployment & { readonly holds: string | null }) | null;
  readonly revision: number;
}

export interface Deployments {
  view(): DeploymentView;
  /** Has a version take over, after it has answered its health check. @throws {ControlError} */
  begin(request: DeployRequest): Promise<void>;
  /** Has the version before serve again: at once, in memory, before it is stored. @throws {ControlError} nothing_to_lift */
  takeBack(actor: Actor): Promise<{ readonly durable: boolean }>;
  /** Puts in force what gateways that share the ledger have stored. Rejects when the ledger cannot be read. */
  follow(): Promise<void>;
  close(): Promise<void>;
}

export interface DeploymentsDeps {
  readonly settings: SettingsHolder;
  readonly store: Pick<PlanStore, 'list' | 'put'>;
  readonly changes: Changes;
  readonly serving: Pick<Serving, 'settled' | 'traffic'>;
  /** Whether this gateway acts for all, and what its writes carry. */
  readonly plans: { leads(): boolean; token(): number | undefined };
  readonly metrics: GatewayMetrics;
  readonly log: GatewayLog;
  readonly pace: Pick<PlansPace, 'lookMs'>;
  readonly now: () => Date;
  readonly raised: (operation: string, error: unknown) => void;
}

/** Who moves a deployment, and what the write carries: the token of the gateway that leads, where that moves it. */
interface Mover {
  readonly actor: Actor;
  readonly token: number | undefined;
}

interface Return extends Mover {
  readonly before: Deployment;
  readonly back: Deployment;
}

/** Knows, when it resolves, which version is to serve, unless the ledger is away. */
export async function startDeployments(deps: DeploymentsDeps): Promise<Deployments> {
  const { raised, pace } = deps;
  const deployer = new Deployer(deps);
  await deployer.load();
  let looking: Promise<void> | undefined; // Only one: a slow ledger must not gather a queue of them.
  const timer = setInterval(() => {
    looking ??= deployer
      .look()
      .catch((error: unknown) => raised('deployment', error))
      .finally(() => {
        looking = undefined;
      });
  }, pace.lookMs ?? LOOK_INTERVAL_MS).unref();
  return {
    view: () => deployer.view(),
    begin: (request) => deployer.begin(request),
    takeBack: (actor) => deployer.takeBack(actor),
    follow: () => deployer.follow(),
    async close() {
      clearInterval(timer);
      await looking;
    },
  };
}

class Deployer {
  readonly #deps: DeploymentsDeps;
  #state: Deployment | undefined;
  /** The revision of the document in the store that is known here. */
  #stored = 0;
  /** Taken back here, and not in the store yet: what that says of the same deployment does not count meanwhile. */
  #unstored: Return | undefined;
  #isUnreadable = false;
  #holds: string | null = null;
  #trial: VersionTrial | undefined;

  constructor(deps: DeploymentsDeps) {
    this.#deps = deps;
  }

  view(): DeploymentView {
    const { settings, changes } = this.#deps;
    const { serving = settings.current.version, other } = versionsOf(this.#state) ?? {};
    const percentOf = (version: string) => {
      if (version === serving) return 100 - (other?.percent ?? 0);
      return version === other?.version ? other.percent : 0;
    };
    const all = Object.entries(this.#limits()?.versions ?? {});
    return {
      versions: all.map(([version, url]) => ({ version, url, percent: percentOf(version) })),
      deployment: this.#state ? { ...this.#state, holds: this.#holds } : null,
      revision: changes.revision(DEPLOYMENT),
    };
  }

  /** Reads the ledger; says so once when it cannot. Never rejects. */
  async load(): Promise<void> {
    try {
      await this.follow();
      this.#isUnreadable = false;
    } catch (error) {
      if (!this.#isUnreadable) this.#deps.raised('deployment.read', error);
      this.#isUnreadable = true;
    }
    this.#showShares();
  }

  follow(): Promise<void> {
    return this.#deps.changes.inTurn(() => this.#read());
  }

  async begin({ version, percent, actor, expected }: DeployRequest): Promise<void> {
    const { changes, settings } = this.#deps;
    const limits = this.#limits();
    if (!limits?.versions[version]) {
      const known = Object.keys(limits?.versions ?? {}).join(', ') || 'none; see upstreams.new.deploy';
      throw new ControlError('invalid', `there is no version ${version}; the configuration has ${known}`);
    }
    // Not in turn: other changes must not wait for a backend that hangs.
    const problem = await askHealth(withVersion(settings.current.config, version).upstreams.new);
    if (problem !== undefined) throw new ControlError('gate_not_met', `${version} is not well: ${problem}`);
    await changes.inTurn(async () => {
      await this.#read();
      changes.check(DEPLOYMENT, expected, 'the deployment');
      const before = this.#state;
      if (before && isUnderWay(before)) {
        throw new ControlError('conflict', `${before.to} is being deployed; wait for it, or take it back`);
      }
      const from = settings.current.version;
      if (from === undefined || from === version) throw new ControlError('conflict', `${version} serves already`);
      const share = percent ?? limits.canaryPercent;
      const status = this.#statusNow(share < 100 ? 'canary' : 'watching', actor);
      await this.#move({ from, to: version, percent: share, ...status }, before, { actor, token: undefined });
    });
  }

  async takeBack(actor: Actor): Promise<{ readonly durable: boolean }> {
    const before = this.#state;
    if (!before || before.status === 'returned') {
      throw new ControlError('nothing_to_lift', 'no deployment is in force that could be taken back');
    }
    return { durable: await this.#goBack(before, { actor, token: undefined }) };
  }

  /** Reads what others have stored, measures, and moves on or back. */
  async look(): Promise<void> {
    const { plans, settings, now } = this.#deps;
    await this.load();
    const state = this.#state;
    if (this.#unstored) await this.#storeReturn({ ...this.#unstored, token: undefined }).catch(() => {});
    const limits = this.#limits();
    if (!state || !limits || !isUnderWay(state)) {
      this.#trial = undefined;
      return;
    }
    if (!this.#trial?.isOf(state)) this.#trial = new VersionTrial(state, this.#served, this.#trial);
    const facts = this.#trial.facts(this.#served, now().getTime(), healthOf(settings, state));
    const next = nextMove(state, facts, limits);
    if (next.kind === 'hold') this.#holds = next.sentence;
    else if (plans.leads()) await this.#act(state, next, facts);
  }

  async #act(state: Deployment, { status, sentence }: Moving, { requests, windows }: DeploymentFacts): Promise<void> {
    const { changes, plans } = this.#deps;
    const seen = windows.map(({ legacy, new: fresh }) => ({ from: briefOf(legacy), to: briefOf(fresh) }));
    const mover: Mover = { actor: guardFor(sentence, { requests, windows: seen }), token: plans.token() };
    if (status === 'returned') await this.#goBack(state, mover);
    else {
      await changes.inTurn(async () => {
        if (this.#state !== state) return; // An operator was faster.
        await this.#move({ ...state, ...this.#statusNow(status, mover.actor) }, state, mover);
      });
    }
  }

  /** In force from here on, whatever becomes of the ledger. */
  async #goBack(before: Deployment, mover: Mover): Promise<boolean> {
    const back: Deployment = { ...before, ...this.#statusNow('returned', mover.actor) };
    this.#unstored = { ...mover, before, back };
    this.#enter(back);
    try {
      await this.#storeReturn(this.#unstored);
      return true;
    } catch (error) {
      this.#deps.raised('deployment.return', error);
      return false;
    }
  }

  /** Rejects when it cannot be stored; then it is tried again with each look. */
  #storeReturn({ back, before, ...mover }: Return): Promise<void> {
    return this.#deps.changes.inTurn(async () => {
      await this.#read();
      if (this.#unstored?.back === back) await this.#move(back, before, mover);
    });
  }

  /** Stores what comes next, and then puts it in force. @throws {ControlError} */
  async #move(next: Deployment, before: Deployment | undefined, { actor, token }: Mover): Promise<void> {
    const { store, changes } = this.#deps;
    const put = await store.put({ route: DEPLOYMENT, document: documentOf(next), revision: this.#stored, token });
    if (put !== 'stored') {
      await this.#read();
      throw new ControlError('conflict', 'the deployment has changed meanwhile; look at it again');
    }
    this.#stored++;
    this.#unstored = undefined;
    this.#enter(next);
    const change = { before: before ?? null, after: next };
    await changes.commit({ scope: DEPLOYMENT, override: undefined, action: 'deploy', ...change }, actor);
  }

  async #read(): Promise<void> {
    const { store, changes } = this.#deps;
    const known = (await store.list()).find(({ route }) => route === DEPLOYMENT);
    if (!known || known.revision === this.#stored) return;
    const next = deploymentIn(known.document);
    await changes.reread(DEPLOYMENT);
    this.#stored = known.revision;
    if (this.#unstored && isSame(this.#unstored.back, next) && next.status !== 'returned') return;
    this.#unstored = undefined;
    this.#enter(next);
  }

  #enter(next: Deployment): void {
    const { settings, serving, metrics, log } = this.#deps;
    if (next === this.#state) return; // It is in force already, and stored by now.
    const { from, to, status, reason } = next;
    this.#state = next;
    this.#holds = null;
    settings.deploy(versionsOf(next));
    this.#showShares();
    const { healthy } = settings.current.upstreams.health.new;
    if (healthy !== undefined) metrics.upstreamUp.set({ side: 'new' }, healthy ? 1 : 0);
    log[status === 'returned' ? 'warn' : 'info']({ from, to, status, reason }, 'deployment');
    void serving.settled();
  }

  #showShares(): void {
    const { versionShare } = this.#deps.metrics;
    versionShare.reset();
    for (const { version, percent } of this.view().versions) versionShare.set({ version }, percent / 100);
  }

  readonly #served = (version: string) => this.#deps.serving.traffic.totals(versionScope(version)).new;

  #limits() {
    return this.#deps.settings.current.given.upstreams.new.deploy;
  }

  #statusNow(status: Deployment['status'], { name: actor, reason }: Pick<Actor, 'name' | 'reason'>) {
    return { status, actor, reason, enteredAt: this.#deps.now().toISOString() };
  }
}

type Moving = Extract<DeploymentMove, { kind: 'move' }>;

function isSame(a: Deployment, b: Deployment): boolean {
  return a.from === b.from && a.to === b.to;
}

function guardFor(reason: string, basis?: unknown): Actor {
  return { name: GUARD, source: GUARD, reason, basis };
}

function briefOf({ requests, errors }: BothServed['new']) {
  return { requests, errors };
}

/** What a deployment puts in force; undefined: what the configuration says. Pure. */
export function versionsOf(state: Deployment | undefined): VersionsInForce | undefined {
  if (!state) return undefined;
  const { from, to, percent } = state;
  switch (state.status) {
    case 'canary':
      return { serving: from, other: { version: to, percent } };
    case 'watching':
      return { serving: to, other: { version: from, percent: 0 } };
    case 'done':
      return { serving: to, other: undefined };
    case 'returned':
      return { serving: from, other: undefined };
  }
}

/** What the health checks of both versions say. */
function healthOf({ current }: SettingsHolder, { to }: Deployment) {
  const [serving, other] = [current.upstreams.health.new.healthy, current.other?.settings.upstreams.health.new.healthy];
  return current.version === to ? { from: other, to: serving } : { from: serving, to: other };
}
