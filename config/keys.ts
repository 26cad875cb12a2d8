// The environment of the keys' command line: the table, and the master keys.
import { z } from 'zod';
import { storeVariables } from './backend.ts';
import { type Environment, type EnvResult, parseEnv } from './env.ts';
import { type MasterKeyList, parseMasterKeys } from './master-keys.ts';

const schema = z.object({
  ...storeVariables,
  MASTER_KEYS: z
    .string()
    .transform((text, context): MasterKeyList => {
      const keys = parseMasterKeys(text);
      if (keys.ok) return keys.value;
      context.addIssue(`is not usable: ${keys.message}`);
      return z.NEVER;
    })
    .describe(
      'give ID:BASE64 of 32 random bytes, the one in use first, at most two, or MASTER_KEYS_FILE naming a file',
    ),
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
