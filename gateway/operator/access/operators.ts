// Who the operators are, by the configuration in force: replaced when it is loaded anew, and with it what sessions and
// tokens are good for.
import type { OidcConfig, OperatorConfig } from '../../../config/operator-schema.ts';
import { type Caller, type Credential, RANK } from './caller.ts';
import { compileTokens, type KnownToken } from './tokens.ts';

export interface Operators {
  readonly config: OperatorConfig;
  /** The secret of the OpenID provider's client, where it has one. */
  readonly clientSecret: string | undefined;
  withToken(token: string): KnownToken | undefined;
  /** Who a credential belongs to now; undefined once the configuration does not have it. */
  callerOf(credential: Credential): Caller | undefined;
  /** Puts another configuration in force, with the secrets that it names. */
  follow(config: OperatorConfig, secrets: ReadonlyMap<string, string>): void;
}

export function createOperators(initial: OperatorConfig, initialSecrets: ReadonlyMap<string, string>): Operators {
  let config = initial;
  let secrets = initialSecrets;
  let tokens = compileTokens(config.tokens, secrets);
  return {
    get config() {
      return config;
    },
    get clientSecret() {
      const name = config.oidc?.clientSecretEnv;
      return name === undefined ? undefined : secrets.get(name);
    },
    withToken: (token) => tokens.find(token),
    callerOf(credential) {
      if (credential.kind === 'token') return tokens.holder(credential.digest);
      const role = config.oidc && highestRole(config.oidc.roles, credential.roles);
      return role && { name: credential.name, role };
    },
    follow(next, nextSecrets) {
      config = next;
      secrets = nextSecrets;
      tokens = compileTokens(config.tokens, secrets);
    },
  };
}

/** The highest of the roles that are mapped; undefined where none is. */
function highestRole(roles: OidcConfig['roles'], given: readonly string[]): Caller['role'] | undefined {
  const mapped = given.flatMap((each) => (Object.hasOwn(roles, each) ? (roles[each] ?? []) : []));
  return mapped.sort((a, b) => RANK[b] - RANK[a])[0];
}
