// Writes are copied as dry runs only: signed, so that the side that gets one can know it for a copy and have no effect, and
// only to a side that is declared to verify signatures. docs/shadow-header.md is the format.
import { createHash, createHmac, randomBytes } from 'node:crypto';
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

export interface DryRuns {
  /** Whether writes may be copied to this side. */
  allows(side: Side): boolean;
  /** The fields that make a request a dry run. @throws when there is no key: an unsigned write must not be sent. */
  fieldsFor(write: SignedWrite): readonly string[];
  /**
   * To be told every answer to a dry run. @throws when the side seems to have done what it should only have tried; it is
   * sent no more writes then, until this process starts anew.
   */
  answered(observed: Observation): void;
}

export interface DryRunDeps {
  /** Undefined when none are configured. */
  readonly keys: ShadowKeys | undefined;
  /** Whether the side is declared to verify. */
  readonly verifies: (side: Side) => boolean;
  readonly nowMs: () => number;
}

export function createDryRuns({ keys, verifies, nowMs }: DryRunDeps): DryRuns {
  const distrusted = new Set<Side>();
  return {
    allows: (side) => keys !== undefined && verifies(side) && !distrusted.has(side),
    fieldsFor(write) {
      if (!keys) throw new Error('a write cannot be copied without a key to sign it');
      const moment = { timestampMs: nowMs(), nonce: randomBytes(NONCE_BYTES).toString('hex') };
      return [SHADOW_HEADER, shadowHeader(keys, write, moment)];
    },
    answered({ side, status, headers }) {
      const isSuccess = status !== undefined && status >= 200 && status < 300;
      if (!isSuccess || headerValue(headers, CONFIRMATION_HEADER) !== undefined) return;
      distrusted.add(side);
      throw new Error(
        `${side} answered a dry run ${status} without ${CONFIRMATION_HEADER}: it may have carried the write out. ` +
          'No more writes are copied to it; see that it verifies, and that nothing on the way removes the header, then restart',
      );
    },
  };
}
