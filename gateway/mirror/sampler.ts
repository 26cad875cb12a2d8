// Which requests are copied: a share of identities, the same ones every time; and, beside them, so many an hour of each
// route and each class of status that rare ones are seen too.
import type { RouteModel } from '../routing/route.ts';
import type { CopyTicket } from './ticket.ts';

const HOUR_MS = 3_600_000;
const HASH_VALUES = 2 ** 32;

/** Whether an identity is among the `percent` of a route, however small a share that is. Pure: the same every time, on every gateway. */
export function isSampled(routeId: string, identity: string, percent: number): boolean {
  return percent >= 100 || hash(`${routeId}:${identity}`) < (percent / 100) * HASH_VALUES;
}

/** FNV-1a, its bits mixed as murmur3 finishes, since names that differ at their end alone must not fall together. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

export interface Sampler {
  /** Why a request is copied, see CopyTicket; undefined when it is not. */
  choose(route: RouteModel, identity: string): CopyTicket['chosenBy'] | undefined;
  /** Whether answers of this class of status have been copied less often than they should this hour. */
  isRare(route: RouteModel, status: number): boolean;
  /** A request is copied that was answered with this status. */
  count(route: RouteModel, status: number | undefined): void;
}

/** Samples by `mirror.samplePercent` and `mirror.minimumPerHour`. What an hour has not used is not saved up for the next. */
export function createSampler(nowMs: () => number): Sampler {
  const wanted = new Map<string, { copies: number; atMs: number }>(); // Per configured route, and class of status.

  /** What a route is still to have this hour, or its answers of one class of status; 0 stands for no answer. */
  const stratum = ({ id, config }: RouteModel, status?: number) => {
    const { minimumPerHour } = config.mirror;
    const key = status === undefined ? id : `${id} ${Math.floor(status / 100)}`;
    const now = nowMs();
    const known = wanted.get(key) ?? { copies: minimumPerHour, atMs: now };
    known.copies = Math.min(minimumPerHour, known.copies + ((now - known.atMs) / HOUR_MS) * minimumPerHour);
    known.atMs = now;
    wanted.set(key, known);
    return known;
  };

  return {
    choose(route, identity) {
      const { samplePercent, minimumPerHour } = route.config.mirror;
      if (isSampled(route.id, identity, samplePercent)) return 'sample';
      if (minimumPerHour === 0) return undefined;
      return stratum(route).copies >= 1 ? 'minimum' : 'status';
    },
    isRare: (route, status) => stratum(route, status).copies >= 1,
    count(route, status) {
      if (route.config.mirror.samplePercent >= 100) return; // Nothing is left out.
      for (const at of [stratum(route), stratum(route, status ?? 0)]) at.copies = Math.max(0, at.copies - 1);
    },
  };
}
