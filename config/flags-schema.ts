// Where the flags come from: a file, or an Unleash server.
import { z } from 'zod';
import { variableName } from './secret.ts';

const fileFlags = z.strictObject({
  provider: z.literal('file'),
  file: z.string().min(1).describe("Unleash's feature JSON; made when missing, watched for edits."),
});

const unleashUrl = z
  .url({ protocol: /^https?$/, message: 'expected a URL such as http://unleash:4242/api' })
  .refine((text) => !URL.canParse(text) || /\/api\/?$/.test(new URL(text).pathname), {
    message: 'expected the address of the API, which ends with /api, as the SDKs of Unleash take it',
  })
  .refine((text) => !URL.canParse(text) || !(new URL(text).username || new URL(text).search), {
    message: 'expected a URL without credentials or a query',
  });

const unleashFlags = z.strictObject({
  provider: z.literal('unleash'),
  url: unleashUrl.describe("Address of the server's API, such as http://unleash:4242/api."),
  tokenEnv: variableName.describe(
    'Environment variable with the client token that flags are read with; NAME_FILE may name a file instead.',
  ),
  adminTokenEnv: variableName
    .optional()
    .describe(
      'Environment variable with the token that flags are made and moved with; NAME_FILE may name a file instead. Without ' +
        'one flags are moved in Unleash only.',
    ),
  environment: z.string().min(1).max(100).describe("The environment of Unleash whose flags count: the client token's."),
  project: z.string().min(1).max(100).default('default').describe('The project of Unleash that holds the flags.'),
  appName: z.string().min(1).max(100).default('banyan').describe('What this gateway is called in Unleash.'),
  refreshIntervalMs: z
    .number()
    .int()
    .min(100)
    .max(60_000)
    .default(1_000)
    .describe('How often the server is asked for changes; it looks for them once a second itself.'),
  backupFile: z
    .string()
    .min(1)
    .describe('Keeps the last known flags, to start from while the server cannot be reached. One per gateway.'),
});

export const flags = z.discriminatedUnion('provider', [fileFlags, unleashFlags], {
  error: 'expected provider: file, or provider: unleash',
});

export type FlagsConfig = z.output<typeof flags>;
export type UnleashConfig = z.output<typeof unleashFlags>;
