// Writes are copied as dry runs only: signed, so that the side that gets one can know it for a copy and have no effect, and
// only to a side that is declared to verify signatures. docs/shadow-header.md is the format.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { UpstreamConfig } from '../../config/gateway-schema.ts';
import type { ShadowKeys } from '../../config/shadow-keys.ts';
import { headerValue } from '../proxy/headers.ts';
import type { Side } from '../routing/side.ts';
import type { Observation } from './observation.ts';

/** The field that a copy carries. A client's own of this name never gets past the edge (proxy/headers.ts). */
export const SHADOW_HEADER = 'x-banyan-shadow';
/** The field by which an answer says that it is one to a dry run: nothing was done. */
export const CONFIRMATION_HEADER = 'x-dry-run';
/** 128 bits: never twice, and not to be guessed. */
const NONCE_BYTES = 16;

/** A write as it is signed: what the backend will see of it. */
export interface SignedWrite {
  readonly routeId: string;
  readonly method: string;
  /** The origin-form target, its bytes as they are sent. */
  readonly target: string;
  /** The body's bytes as they are sent; undefined or empty for none. */
  readonly body: Buffer | undefined;
}

export interface SigningMoment {
  readonly timestampMs: number;
  /** 32 lower-case hex digits. */
  readonly nonce: string;
}

/** The header's value for a write: pure. No part can hold a line feed, so that no two writes are signed as the same text. */
export function shadowHeader(keys: ShadowKeys, write: SignedWrite, { timestampMs, nonce }: SigningMoment): string {
  const [{ id, secret }] = keys;
  const { routeId, method, target, body } = write;
  const digest = createHash('sha256')
    .update(body ?? '')
    .digest('hex');
  const signed = ['banyan-shadow-v1', id, timestampMs, nonce, routeId, method, target, digest].join('\n');
  const mac = createHmac('sha256', secret).update(signed, 'latin1').digest('hex');
  return `v1;key=${id};ts=${timestampMs};nonce=${nonce};route=${routeId};mac=${mac}`;
}

/**
 * Whether a side has shown that it knows a dry run. Until it has, one copy at a time is sent; one that seems to have been
 * carried out ends it, until this process or the side's URL is another. So a wrong declaration costs one write, not many.
 */
type Trust = 'untried' | 'on_trial' | 'confirmed' | 'lost';

/** What a side is at a time. */
interface Backend {
  readonly url: string;
  trust: Trust;
}

export interface DryRuns {
  /** Whether a write may be copied to this side now. */
  allows(side: Side): boolean;
  /** Makes a request to a side a dry run. @throws where it is not allowed: an unsigned write must not be sent. */
  begin(side: Side, write: SignedWrite): DryRun;
}

/** One write that is sent as a dry run, to the backend that its side was when it began. */
export interface DryRun {
  /** The fields that make it one. */
  readonly fields: readonly string[];
  /** To be told its answer. @throws when the backend seems to have done what it should only have tried. */
  answered(observed: Observation): void;
}

export interface DryRunDeps {
  /** Undefined when none are configured. */
  readonly keys: ShadowKeys | undefined;
  /** The sides as they are declared at the moment. */
  readonly upstreams: () => Readonly<Record<Side, Pick<UpstreamConfig, 'url' | 'verifiesShadow'>>>;
  readonly nowMs: () => number;
}

export function createDryRuns({ keys, upstreams, nowMs }: DryRunDeps): DryRuns {
  const known = new Map<Side, Backend>();
  /** What is known of the backend that a side is now. What was sent to the one before speaks of that one. */
  const backendOf = (side: Side): Backend => {
    const { url } = upstreams()[side];
    const at = known.get(side);
    if (at?.url === url) return at;
    const fresh: Backend = { url, trust: 'untried' };
    known.set(side, fresh);
    return fresh;
  };

  function allows(side: Side): boolean {
    const { trust } = backendOf(side);
    return keys !== undefined && upstreams()[side].verifiesShadow && (trust === 'confirmed' || trust === 'untried');
  }

  return {
    allows,
    begin(side, write) {
      if (!keys || !allows(side)) throw new Error(`a write may not be copied to ${side}`);
      const backend = backendOf(side);
      if (backend.trust === 'untried') backend.trust = 'on_trial';
      const moment = { timestampMs: nowMs(), nonce: randomBytes(NONCE_BYTES).toString('hex') };
      const fields = [SHADOW_HEADER, shadowHeader(keys, write, moment)];
      return { fields, answered: (observed) => learn(backend, observed) };
    },
  };
}

/** @throws when it seems to have carried the write out. */
function learn(backend: Backend, { side, status, headers }: Observation): void {
  const isSuccess = status !== undefined && status >= 200 && status < 300;
  if (headerValue(headers, CONFIRMATION_HEADER) !== undefined) {
    if (backend.trust === 'on_trial') backend.trust = 'confirmed';
  } else if (isSuccess) {
    backend.trust = 'lost';
    throw new Error(
      `${side} answered a dry run ${status} without ${CONFIRMATION_HEADER}: it may have carried the write out. No more ` +
        'writes are copied to it; see that it verifies, and that nothing on the way removes the header, then restart',
    );
  } else if (backend.trust === 'on_trial') backend.trust = 'untried';
}
