// Sessions of people at the console. They live in the process that has the operator's port, in memory alone: a restart
// ends them all.
import { createHash, randomBytes } from 'node:crypto';
import type { OperatorConfig } from '../../../config/operator-schema.ts';
import { type Caller, type Credential, credentialKey } from './caller.ts';

/** All together, and of one credential: the least recently used makes room. */
export const SESSIONS_MAX = 1_000;
export const SESSIONS_EACH_MAX = 20;
const SECRET_BYTES = 32;

export interface Session {
  readonly caller: Caller;
  /** Milliseconds since 1970: when it ends at the latest, and when unless it is used. */
  readonly endsMs: number;
  readonly idleEndsMs: number;
}

export interface Sessions {
  /** Answers the secret by which it is found again; it is kept nowhere. */
  start(credential: Credential): string;
  /** The session of a secret while it lasts. Asking is using it. */
  find(secret: string): Session | undefined;
  end(secret: string): void;
  readonly size: number;
}

export interface SessionsDeps {
  /** Who a credential belongs to now; undefined once it counts no longer. */
  readonly callerOf: (credential: Credential) => Caller | undefined;
  readonly limits: () => OperatorConfig['sessions'];
  readonly nowMs: () => number;
}

interface Kept {
  readonly credential: Credential;
  readonly startedMs: number;
  usedMs: number;
}

export function createSessions({ callerOf, limits, nowMs }: SessionsDeps): Sessions {
  const sessions = new Map<string, Kept>(); // SESSIONS_MAX at most, the least recently used first.

  function ends({ startedMs, usedMs }: Kept): Pick<Session, 'endsMs' | 'idleEndsMs'> {
    const { hoursMax, idleMinutes } = limits();
    return { endsMs: startedMs + hoursMax * 3_600_000, idleEndsMs: usedMs + idleMinutes * 60_000 };
  }

  /** Undefined once it is over, whatever ended it. */
  function alive(kept: Kept): Session | undefined {
    const { endsMs, idleEndsMs } = ends(kept);
    const caller = nowMs() < Math.min(endsMs, idleEndsMs) ? callerOf(kept.credential) : undefined;
    return caller && { caller, endsMs, idleEndsMs };
  }

  function makeRoom(credential: Credential): void {
    for (const [key, kept] of sessions) if (!alive(kept)) sessions.delete(key);
    const own = [...sessions].filter((entry) => credentialKey(entry[1].credential) === credentialKey(credential));
    const [oldestOwn] = own;
    const [oldest] = sessions.keys();
    if (oldestOwn && own.length >= SESSIONS_EACH_MAX) sessions.delete(oldestOwn[0]);
    else if (oldest !== undefined && sessions.size >= SESSIONS_MAX) sessions.delete(oldest);
  }

  return {
    get size() {
      return sessions.size;
    },
    start(credential) {
      makeRoom(credential);
      const secret = randomBytes(SECRET_BYTES).toString('base64url');
      sessions.set(keyOf(secret), { credential, startedMs: nowMs(), usedMs: nowMs() });
      return secret;
    },
    find(secret) {
      const key = keyOf(secret);
      const kept = sessions.get(key);
      if (!kept) return undefined;
      sessions.delete(key);
      if (!alive(kept)) return undefined;
      kept.usedMs = nowMs();
      sessions.set(key, kept);
      return alive(kept);
    },
    end: (secret) => void sessions.delete(keyOf(secret)),
  };
}

/** Looked up by digest, so that the time it takes says nothing of the secrets there are. */
function keyOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
