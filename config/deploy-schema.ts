// The part of a gateway's configuration that is about releases of the new backend: its versions, and how a switch from one
// to another is tried (`banyan deploy`).
import { z } from 'zod';
import { guard } from './plan-schema.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const VERSIONS_MAX = 10;

/** An address without a path, credentials or a query. */
export const origin = z
  .url({ protocol: /^https?$/, message: 'expected a URL such as http://127.0.0.1:8001' })
  .refine((text) => !URL.canParse(text) || new URL(text).pathname === '/', 'expected an origin without a path')
  .refine((text) => !URL.canParse(text) || !(new URL(text).username || new URL(text).search), {
    message: 'expected an origin without credentials or a query',
  });

const version = z.string().regex(/^[a-z][a-z0-9._-]{0,30}$/, 'expected a name such as blue');
const stretchMs = z.number().int().min(0).max(DAY_MS);
const { samplesMin, errorsIncreaseMax, latencySamplesMin, latencyRatioMax } = guard.shape;

export const deploy = z.strictObject({
  versions: z
    .record(version, origin)
    .refine(
      (all) => Object.keys(all).length <= VERSIONS_MAX && new Set(Object.values(all)).size === Object.keys(all).length,
      `expected at most ${VERSIONS_MAX} versions, each with a URL of its own`,
    )
    .describe('Where each version listens. url is that of the one that serves until a deployment says otherwise.'),
  canaryPercent: z
    .number()
    .min(0.01)
    .max(100)
    .default(10)
    .describe('Share of the users of the new side whom the incoming version serves first; 100 leaves the canary out.'),
  canaryMs: stretchMs.default(MINUTE_MS).describe('How long the canary lasts at least.'),
  watchMs: stretchMs
    .default(5 * MINUTE_MS)
    .describe('How long after the switch the outgoing version is kept ready for an automatic return.'),
  samplesMin: samplesMin.describe('Requests of the incoming version below which the canary is not concluded.'),
  errorsIncreaseMax: errorsIncreaseMax.describe(
    "How much larger the incoming version's share of errors is borne; beyond it, beyond doubt, it goes back.",
  ),
  latencySamplesMin: latencySamplesMin.describe('Requests of a version below which latency says nothing.'),
  latencyRatioMax: latencyRatioMax.describe("How much larger the incoming version's p95 is borne."),
});

export type DeployConfig = z.output<typeof deploy>;
