// `banyan pin`: made here and not by a gateway, by whoever has the key.

import { readPinKey } from '../../config/hmac-key.ts';
import { ConfigError, loadGatewayConfig } from '../../config/load-gateway.ts';
import { PIN_COOKIE } from '../proxy/headers.ts';
import { PIN_ALL_ROUTES, PIN_HEADER, signPin } from '../routing/pin.ts';
import type { Side } from '../routing/side.ts';
import { CommandError, EXIT } from './exit.ts';

/** Longer ones are forgotten about, and cannot be taken back but by another key. */
const HOURS_MAX = 30 * 24;

export interface PinOptions {
  readonly config: string;
  readonly side: Side;
  readonly route?: string;
  readonly hours: number;
}

/** @throws {CommandError} usage: what is wrong with the options or the configuration. */
export function makePin({ config: file, side, route, hours }: PinOptions, nowMs: number) {
  const refuse = (problem: string) => new CommandError(EXIT.usage, problem);
  if (hours < 1 || hours > HOURS_MAX) throw refuse(`--hours is from 1 to ${HOURS_MAX}`);
  try {
    const config = loadGatewayConfig(file);
    const key = readPinKey(config, file);
    if (key === undefined) throw refuse(`${file} has no pins: add "pins: { keyEnv: NAME }", and restart the gateway`);
    if (route !== undefined && !config.routes.some(({ id }) => id === route)) {
      throw refuse(`no route is called ${route} in ${file}`);
    }
    const expiresAtMs = nowMs + hours * 3_600_000;
    const pin = signPin(key, { side, route: route ?? PIN_ALL_ROUTES, expiresAtMs });
    const expiresAt = new Date(expiresAtMs).toISOString();
    return { pin, header: PIN_HEADER, cookie: PIN_COOKIE, side, route: route ?? null, expiresAt };
  } catch (error) {
    throw error instanceof ConfigError ? refuse(error.message) : error;
  }
}
