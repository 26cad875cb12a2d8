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
import { compileIdentity, type IdentityReader } from './routing/identity.ts';
import { compilePins, type PinReader } from './routing/pin.ts';
import { compileRoutes, type RouteTable } from './routing/route.ts';
import { type CheckHealth, openUpstreams, type Upstreams } from './upstreams.ts';

export interface Settings {
  /** What is in force: the configuration, with operators' rules in its routes. */
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
  close(): Promise<void>;
}

export function createSettings(initial: GatewayConfig, checkHealth: CheckHealth): SettingsHolder {
  let rules: readonly AddedRule[] = [];
  let current = compile(initial, rules, openUpstreams(initial, checkHealth));
  const retiring = new Map<Upstreams, NodeJS.Timeout>(); // At most one a reload and half a minute.

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
      const before = current;
      const sameUpstreams = isDeepStrictEqual(config.upstreams, before.config.upstreams);
      current = compile(config, rules, sameUpstreams ? before.upstreams : openUpstreams(config, checkHealth));
      if (!sameUpstreams) retire(before.upstreams);
      return [];
    },
    amend(added) {
      rules = added;
      current = compile(current.given, rules, current.upstreams);
    },
    async close() {
      for (const timer of retiring.values()) clearTimeout(timer);
      await Promise.all([current.upstreams, ...retiring.keys()].map((upstreams) => upstreams.close()));
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

function compile(given: GatewayConfig, rules: readonly AddedRule[], upstreams: Upstreams): Settings {
  const config = { ...given, routes: given.routes.map((route) => amendRoute(route, rules)) };
  return {
    ...{ config, given, upstreams },
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
