// Versions of the new backend: which of them serves, which other one is kept ready, and whose requests go to which.
import type { GatewayConfig } from '../config/gateway-schema.ts';
import { isSampled } from './mirror/sampler.ts';

/** What a deployment has put in force. */
export interface VersionsInForce {
  readonly serving: string;
  /** The version that comes, with its share of the new side's users; or the one that has gone, at 0 %, ready to return. */
  readonly other: { readonly version: string; readonly percent: number } | undefined;
}

/** The configuration with the new side at this version; as it is where no such version is configured. Pure. */
export function withVersion(config: GatewayConfig, version: string): GatewayConfig {
  const { new: fresh } = config.upstreams;
  const url = fresh.deploy?.versions[version];
  if (url === undefined || url === fresh.url) return config;
  return { ...config, upstreams: { ...config.upstreams, new: { ...fresh, url } } };
}

/** The version that the configuration has serve; undefined where it has none. Pure. */
export function versionOf({ upstreams }: GatewayConfig): string | undefined {
  const { url, deploy } = upstreams.new;
  return Object.entries(deploy?.versions ?? {}).find(([, each]) => each === url)?.[0];
}

/** Whether an identity is among those whom a version serves that has `percent` of them. Pure. */
export function isOfVersion(version: string, identity: string, percent: number): boolean {
  return isSampled(versionScope(version), identity, percent);
}

/** The name under which a version's requests are counted. No route can be called so. */
export function versionScope(version: string): string {
  return `#version ${version}`;
}
