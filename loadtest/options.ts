// What the commands' options say, checked: bounded, and on this machine only unless told otherwise.
import { EXIT, LoadtestError } from './exit.ts';
import { PROFILES } from './k6/profiles.ts';
import type { Profile, Settings, Target } from './k6/settings.ts';

const RATE_MAX = 5_000;
const SECONDS_MAX = 24 * 3600;
const CLIENTS_MAX = 2_000;
export const P95_MAX_MS = 250;
/** Of one command; what is measured is kept in memory, eight bytes and some for each. */
export const REQUESTS_MAX = 5_000_000;

export const DEFAULT_URLS: Readonly<Record<Target, string>> = {
  legacy: 'http://127.0.0.1:8001',
  new: 'http://127.0.0.1:8002',
  gateway: 'http://127.0.0.1:8080',
};

/** As the command line has them. */
export interface Options {
  readonly legacy: string;
  readonly new: string;
  readonly gateway: string;
  readonly rate?: number;
  readonly seconds?: number;
  readonly clients: number;
  readonly streams: number;
  /** Of one run; a comparison has limits of its own. */
  readonly p95MaxMs?: number;
  readonly writes?: boolean;
  readonly remote: boolean;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** The origin of a URL. @throws {LoadtestError} when it is none, or of another machine without `remote`. */
export function originOf(text: string, remote: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new LoadtestError(EXIT.usage, `${text} is no URL such as http://127.0.0.1:8080`);
  if (!remote && !LOOPBACK.test(url.hostname))
    throw new LoadtestError(
      EXIT.usage,
      `${url.hostname} is another machine: --remote says that it may be put under load`,
    );
  return url.origin;
}

/** Whether orders are made: on this machine yes, elsewhere only when told so. */
export function writesOf({ writes, remote }: Pick<Options, 'writes' | 'remote'>): boolean {
  return writes ?? !remote;
}

/** The load of a profile. @throws {LoadtestError} when it is more than there may be. */
export function loadOf(options: Options, profile: Profile, runs = 1): Omit<Settings, 'profile' | 'target' | 'url'> {
  const { rate = PROFILES[profile].rate, seconds = PROFILES[profile].seconds, clients, streams } = options;
  const within = (name: string, value: number, max: number) => {
    if (!(value > 0 && value <= max))
      throw new LoadtestError(EXIT.usage, `--${name} must be above 0 and at most ${max}`);
  };
  within('rate', rate, RATE_MAX);
  within('seconds', seconds, SECONDS_MAX);
  within('clients', clients, CLIENTS_MAX);
  within('streams', streams, CLIENTS_MAX);
  if (rate * seconds * runs > REQUESTS_MAX)
    throw new LoadtestError(EXIT.usage, `that would be ${rate * seconds * runs} journeys; at most ${REQUESTS_MAX}`);
  return {
    ...{ rate, seconds, clientsMax: clients, streams, p95MaxMs: options.p95MaxMs ?? P95_MAX_MS },
    ...{ writes: writesOf(options), cancels: profile !== 'flip' },
  };
}
