// A route in its compiled form, and the table of them that finds a request's route.
import { TrieRouter } from 'hono/router/trie-router';
import type { RouteConfig } from '../../config/gateway-schema.ts';
import { matchingPath } from './target.ts';

/** The id that requests carry which no route names; legacy serves them. */
export const UNROUTED = 'unrouted';

/** A route as requests use it: immutable, replaced in its entirety when the configuration changes. */
export interface RouteModel {
  readonly id: string;
  readonly config: RouteConfig;
  /** Names of the route's two flags, and the cohort that its group shares. */
  readonly flag: string;
  readonly mirrorFlag: string;
  readonly groupId: string;
}

export function compileRoute(config: RouteConfig): RouteModel {
  return {
    id: config.id,
    config,
    flag: config.id,
    mirrorFlag: `${config.id}.mirror`,
    groupId: config.group ?? config.id,
  };
}

export interface RouteTable {
  readonly routes: readonly RouteModel[];
  /** The route of a request, by its method and its target as the client sent it. HEAD follows GET unless a route names it. */
  match(method: string, target: string): RouteModel | undefined;
  byId(id: string): RouteModel | undefined;
}

/** Compiles the table. The most specific path wins; among equals a named method before `*`, then the order given. */
export function compileRoutes(configs: readonly RouteConfig[]): RouteTable {
  const routes = configs.map(compileRoute);
  const ids = new Map(routes.map((route) => [route.id, route]));
  const router = new TrieRouter<RouteModel>();
  const entries = routes.flatMap((route) => route.config.match.methods.map((method) => ({ route, method })));
  entries.sort(
    (a, b) =>
      compareSpecificity(a.route.config.match.path, b.route.config.match.path) ||
      Number(a.method === '*') - Number(b.method === '*'),
  );
  // Hono's routers answer every match in the order of registration, so the first is the most specific.
  for (const { route, method } of entries) {
    router.add(method === '*' ? 'ALL' : method, route.config.match.path, route);
  }
  const find = (method: string, path: string) => router.match(method, path)[0][0]?.[0];
  return {
    routes,
    byId: (id) => ids.get(id),
    match(method, target) {
      const path = matchingPath(target);
      if (path === undefined) return undefined;
      const found = find(method, path);
      return found === undefined && method === 'HEAD' ? find('GET', path) : found;
    },
  };
}

/** Rank of one path segment: literal text, then a parameter with a pattern, then a plain parameter, then a wildcard. */
function rank(segment: string | undefined): number {
  if (segment === undefined) return 4;
  if (segment === '*') return 3;
  if (segment.startsWith(':')) return segment.includes('{') ? 1 : 2;
  return 0;
}

/** Negative when path `a` is more specific than `b`: the first segment where they differ in rank decides. */
export function compareSpecificity(a: string, b: string): number {
  const [left, right] = [a.split('/').slice(1), b.split('/').slice(1)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = rank(left[i]) - rank(right[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}
