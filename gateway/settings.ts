// What the configuration amounts to for requests: compiled once, replaced whole when the configuration is loaded anew.
// A request reads one of these and keeps it to its end.
import { isDeepStrictEqual } from 'node:util';
import { type CompareRule, withRules } from '../config/compare-rules.ts';
import type { GatewayConfig, RouteConfig } from '../config/gateway-schema.ts';
import { readCertificatesKey, readPinKey } from '../config/hmac-key.ts';
import type { OperatorConfig } from '../config/operator-schema.ts';
import { type Cors, compileCors } from './http/cors.ts';
import { compileEdge, type Edge } from './proxy/edge.ts';
import { type Certificates, certificatesIn } from './rollout/certificates.ts';
import type { Decision } from './routing/decide.ts';
import { compileIdentity, type IdentityReader } from './routing/identity.ts';
import { compilePins, type PinReader } from './routing/pin.ts';
import { compileRoutes, type RouteTable } from './routing/route.ts';
import { type CheckHealth, openUpstreams, type Upstreams } from './upstreams.ts';
import { isOfVersion, type VersionsInForce, versionOf, withVersion } from './versions.ts';

export interface Settings {
  /** What is in force: the configuration, with operators' rules in its routes, at the version that serves. */
  readonly config: GatewayConfig;
  /** The configuration as it was given. */
  readonly given: GatewayConfig;
  readonly table: RouteTable;
  readonly identity: IdentityReader;
  readonly edge: Edge;
  readonly cors: Cors;
  /** Undefined where no pins are configured. */
  readonly pins: PinReader | undefined;
  /** What proves that data jobs are done. */
  readonly certificates: Certificates;
  readonly upstreams: Upstreams;
  /** The version of the new backend that these lead to; undefined where it has none. */
  readonly version: string | undefined;
  /** Whether that version's requests are counted, since it is measured against another. */
  readonly isMeasured: boolean;
  /** The same for another version that is there beside the one that serves, and its share of the new side's users. */
  readonly other: { readonly percent: number; readonly settings: Settings } | undefined;
}

/** The settings for a decided request: those of the version whose request it is. Pure. */
export function settingsFor(settings: Settings, { side }: Pick<Decision, 'side'>, identity: string): Settings {
  const { other } = settings;
  if (!other || side !== 'new' || other.settings.version === undefined) return settings;
  return isOfVersion(other.settings.version, identity, other.percent) ? other.settings : settings;
}

/** The settings in force. The holder stays the same, what it holds is replaced. */
export interface CurrentSettings {
  readonly current: Settings;
}

/** What a running gateway cannot change: it would need another socket, another file. */
const FIXED = [
  'listen',
  'workers',
  'flags',
  'ledger',
  'ledgerJournal',
  'mirror',
  'samples',
  'log',
  'limits',
  'rateLimitStore',
  'tracing',
  'shadowKeysEnv',
  'notifications',
] as const satisfies readonly (keyof GatewayConfig)[];
/** Of `operator`, what belongs to its socket; who the operators are can change. */
const FIXED_OF_OPERATOR = ['listen', 'publicUrl', 'tls'] as const satisfies readonly (keyof OperatorConfig)[];
/** Requests that have read the old settings still use their connections for a moment. */
const RETIRE_MS = 30_000;

/** A rule for comparing that stands beside a route's own. */
export interface AddedRule extends CompareRule {
  readonly route: string;
}

export interface SettingsHolder extends CurrentSettings {
  /**
   * Puts a new configuration in force for requests that come from now on; open streams and requests under way stay as
   * they are. Answers which keys differ but need a restart; then nothing is changed.
   */
  replace(config: GatewayConfig): readonly string[];
  /** Puts operators' rules in force for requests that come from now on, in place of those before. */
  amend(rules: readonly AddedRule[]): void;
  /** Puts versions of the new backend in force, in place of what was deployed before; undefined: the configuration's own. */
  deploy(versions: VersionsInForce | undefined): void;
  close(): Promise<void>;
}

export function createSettings(initial: GatewayConfig, checkHealth: CheckHealth): SettingsHolder {
  let rules: readonly AddedRule[] = [];
  let versions: VersionsInForce | undefined;
  let opened: readonly OpenedUpstreams[] = []; // One for each version in force: two at most.
  let current = compiled(initial);
  const retiring = new Map<Upstreams, NodeJS.Timeout>(); // One or two a change, for half a minute.

  /** What is open already goes on, with its connections. */
  function open(config: GatewayConfig): Upstreams {
    const known = opened.find((each) => isDeepStrictEqual(each.config, config.upstreams));
    if (known) return known.upstreams;
    const upstreams = openUpstreams(config, checkHealth);
    opened = [...opened, { config: config.upstreams, upstreams }];
    return upstreams;
  }

  function compiled(given: GatewayConfig): Settings {
    return compile(given, { rules, versions, open });
  }

  function put(next: Settings): void {
    current = next;
    const inUse = [next.upstreams, next.other?.settings.upstreams];
    for (const { upstreams } of opened) if (!inUse.includes(upstreams)) retire(upstreams);
    opened = opened.filter(({ upstreams }) => inUse.includes(upstreams));
  }

  function retire(upstreams: Upstreams): void {
    const close = () => {
      retiring.delete(upstreams);
      void upstreams.close();
    };
    retiring.set(upstreams, setTimeout(close, RETIRE_MS).unref());
  }

  return {
    get current() {
      return current;
    },
    replace(config) {
      const fixed = fixedChanges(config, current.config);
      if (fixed.length > 0) return fixed;
      put(compiled(config));
      return [];
    },
    amend(added) {
      rules = added;
      put(compiled(current.given));
    },
    deploy(inForce) {
      if (isDeepStrictEqual(inForce, versions)) return;
      versions = inForce;
      put(compiled(current.given));
    },
    async close() {
      for (const timer of retiring.values()) clearTimeout(timer);
      const all = [...opened.map(({ upstreams }) => upstreams), ...retiring.keys()];
      await Promise.all(all.map((upstreams) => upstreams.close()));
    },
  };
}

/** What differs and needs a restart. */
function fixedChanges(config: GatewayConfig, before: GatewayConfig): string[] {
  const ofOperator = FIXED_OF_OPERATOR.filter((key) => !isDeepStrictEqual(config.operator[key], before.operator[key]));
  return [
    ...FIXED.filter((key) => !isDeepStrictEqual(config[key], before[key])),
    ...ofOperator.map((key) => `operator.${key}`),
  ];
}

interface OpenedUpstreams {
  readonly config: GatewayConfig['upstreams'];
  readonly upstreams: Upstreams;
}

interface CompileOptions {
  readonly rules: readonly AddedRule[];
  readonly versions: VersionsInForce | undefined;
  readonly open: (config: GatewayConfig) => Upstreams;
}

function compile(given: GatewayConfig, { rules, versions, open }: CompileOptions): Settings {
  const amended = { ...given, routes: given.routes.map((route) => amendRoute(route, rules)) };
  const serving = compileOne(given, versions ? withVersion(amended, versions.serving) : amended, open);
  const { other } = versions ?? {};
  const config = other && withVersion(serving.config, other.version);
  if (!other || !config || config === serving.config) return serving;
  const changed = { config, edge: compileEdge(config), upstreams: open(config), version: other.version };
  const settings: Settings = { ...serving, ...changed, isMeasured: true };
  return { ...serving, isMeasured: true, other: { percent: other.percent, settings } };
}

function compileOne(given: GatewayConfig, config: GatewayConfig, open: CompileOptions['open']): Settings {
  return {
    ...{ config, given, upstreams: open(config), version: versionOf(config), isMeasured: false, other: undefined },
    table: compileRoutes(config.routes),
    identity: compileIdentity(config.identity),
    edge: compileEdge(config),
    cors: compileCors(config.cors),
    pins: compilePins(readPinKey(config, 'configuration')),
    certificates: certificatesIn(config.certificates, readCertificatesKey(config, 'configuration')),
  };
}

function amendRoute(route: RouteConfig, rules: readonly AddedRule[]): RouteConfig {
  const added = rules.filter((rule) => rule.route === route.id);
  return added.length === 0 ? route : { ...route, compare: withRules(route.compare, added) };
}
