// How many copies a second, and how many bytes of them, all routes together and each alone may send and be answered.
import type { GatewayConfig, RouteConfig } from '../../config/gateway-schema.ts';
import type { RouteModel } from '../routing/route.ts';
import { type Allowance, createAllowance } from './allowance.ts';

export type CapRefusal =
  | 'copies_per_second'
  | 'bytes_per_second'
  | 'route_copies_per_second'
  | 'route_bytes_per_second';

export interface Caps {
  /** Why a copy of this route may not be sent now; otherwise it is counted as sent. */
  refuse(route: RouteModel): CapRefusal | undefined;
  /** A request was copied once more than it was counted for. */
  spendCopy(route: RouteModel): void;
  /** So much was sent and answered. */
  spendBytes(route: RouteModel, bytes: number): void;
}

type Limits = Pick<GatewayConfig['mirror'] | RouteConfig['mirror'], 'copiesPerSecondMax' | 'bytesPerSecondMax'>;

interface Allowances {
  readonly copies: Allowance;
  readonly bytes: Allowance;
}

export function createCaps(limits: Limits, nowMs: () => number): Caps {
  const open = ({ copiesPerSecondMax, bytesPerSecondMax }: Limits): Allowances => ({
    copies: createAllowance(copiesPerSecondMax, nowMs),
    bytes: createAllowance(bytesPerSecondMax, nowMs),
  });
  const all = open(limits);
  // By the route itself, so that a configuration read anew has limits of its own.
  const routes = new WeakMap<RouteModel, Allowances>();
  const of = (route: RouteModel): Allowances => {
    const known = routes.get(route) ?? open(route.config.mirror);
    routes.set(route, known);
    return known;
  };
  const spendCopy = (route: RouteModel) => {
    all.copies.spend(1);
    of(route).copies.spend(1);
  };

  return {
    refuse(route) {
      const own = of(route);
      if (!all.copies.isLeft) return 'copies_per_second';
      if (!all.bytes.isLeft) return 'bytes_per_second';
      if (!own.copies.isLeft) return 'route_copies_per_second';
      if (!own.bytes.isLeft) return 'route_bytes_per_second';
      spendCopy(route);
      return undefined;
    },
    spendCopy,
    spendBytes(route, bytes) {
      all.bytes.spend(bytes);
      of(route).bytes.spend(bytes);
    },
  };
}
