// The environment of the keys' command line: the table, and the master keys.
import { z } from 'zod';
import { masterKeys, storeVariables } from './backend.ts';
import { type Environment, type EnvResult, parseEnv } from './env.ts';
import type { MasterKeyList } from './master-keys.ts';

const schema = z.object({
  ...storeVariables,
  MASTER_KEYS: masterKeys,
});

export type KeysConfig = {
  readonly dynamo: { readonly endpoint: string | undefined; readonly table: string; readonly region: string };
  readonly masterKeys: MasterKeyList;
};

/** The configuration, or everything that is wrong with the environment. */
export function readKeysConfig(env: Environment = process.env): EnvResult<KeysConfig> {
  const result = parseEnv(schema, env, ['MASTER_KEYS']);
  if (!result.ok) return result;
  const { DYNAMODB_ENDPOINT: endpoint, DYNAMODB_TABLE: table, AWS_REGION: region, MASTER_KEYS } = result.value;
  return { ok: true, value: { dynamo: { endpoint, table, region }, masterKeys: MASTER_KEYS } };
}
