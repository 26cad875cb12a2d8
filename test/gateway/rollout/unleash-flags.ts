// Flags on a stand-in for Unleash, for the tests of what reads and moves them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'node:test';
import { flags as flagsSchema } from '../../../config/flags-schema.ts';
import type { Flags } from '../../../gateway/rollout/flags.ts';
import { openUnleashFlags, type UnleashFlagsDeps } from '../../../gateway/rollout/unleash-flags.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { ADMIN_TOKEN, CLIENT_TOKEN, startUnleashStandIn, type UnleashStandIn } from '../../helpers/unleash.ts';

export interface Bench {
  readonly unleash: UnleashStandIn;
  readonly backupFile: string;
  /** Opens flags that ask every 100 ms, with an admin token unless told otherwise. */
  open(
    given?: Partial<UnleashFlagsDeps> & { readonly url?: string; readonly admin?: string | undefined },
  ): Promise<Flags>;
}

/** A fresh server and folder for each test. To be called once a file. */
export function unleashBench(): Bench {
  const closing = closingAfterEach();
  let unleash: UnleashStandIn;
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'banyan-unleash-'));
    unleash = await closing(startUnleashStandIn());
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  return {
    get unleash() {
      return unleash;
    },
    get backupFile() {
      return join(folder, 'backup', 'flags.json');
    },
    open({ url = unleash.url, ...given } = {}) {
      const { backupFile } = this;
      const config = flagsSchema.parse({
        ...{ provider: 'unleash', url, backupFile, environment: 'development', refreshIntervalMs: 100 },
        ...{ tokenEnv: 'CLIENT', adminTokenEnv: 'ADMIN' },
      });
      if (config.provider !== 'unleash') throw new Error('the schema lost the provider');
      const admin = 'admin' in given ? given.admin : ADMIN_TOKEN;
      const tokens = { client: CLIENT_TOKEN, admin };
      return closing(openUnleashFlags({ config, tokens, backoffMsMax: 100, timeoutMs: 1_500, ...given }));
    },
  };
}
