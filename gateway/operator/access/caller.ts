// Who calls the operator's API: a name with a role, known by a credential that the configuration has.
import type { OperatorRole } from '../../../config/operator-schema.ts';

export interface Caller {
  readonly name: string;
  readonly role: OperatorRole;
}

/** What a caller has shown, without its secret: whether it still counts is asked anew each time. */
export type Credential =
  | { readonly kind: 'token'; readonly digest: string }
  /** `roles` are what the provider calls so. */
  | { readonly kind: 'oidc'; readonly subject: string; readonly name: string; readonly roles: readonly string[] };

export const RANK: Readonly<Record<OperatorRole, number>> = { viewer: 0, operator: 1, admin: 2 };

export function mayAct(caller: Caller, needed: OperatorRole): boolean {
  return RANK[caller.role] >= RANK[needed];
}

/** Tells one caller's credential from another's. */
export function credentialKey(credential: Credential): string {
  return credential.kind === 'token' ? `token ${credential.digest}` : `oidc ${credential.subject}`;
}
