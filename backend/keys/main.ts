// `npm run keys -- ...`: stores users' keys of the exchange, wraps all of them anew after the master key was replaced, and
// shows who used them. Exit codes: 0 done, 1 failed, 2 usage or environment.
import { text } from 'node:stream/consumers';
import { renderEnvProblems } from '../../config/env.ts';
import { type KeysConfig, readKeysConfig } from '../../config/keys.ts';
import { isoTime } from '../domain/time.ts';
import { createDynamoStore } from '../store/dynamo.ts';
import type { Store } from '../store/store.ts';
import { createAudit } from './audit.ts';
import { type Credentials, createCredentials, exchangeKeys } from './credentials.ts';
import { MEXC } from './exchanges.ts';
import { createLocalMasterKeys } from './master-keys.ts';

const EXIT_ERROR = 1;
const EXIT_USAGE = 2;
const TRAIL_MAX = 100;
const ACTOR = 'operator';

const USAGE = `usage: npm run keys -- COMMAND

  put USER     stores the user's keys, read from standard input: {"apiKey": "...", "secretKey": "..."}
  rewrap       wraps every user's keys with the first of the master keys
  trail USER   the last ${TRAIL_MAX} uses of the user's keys, newest first

To replace the master key without a stop: give "OLD,NEW" to every process, then "NEW,OLD", run rewrap, then give "NEW".
`;

/** What a command prints; undefined when there is no such command. */
async function run(args: readonly string[], store: Store, credentials: Credentials): Promise<string | undefined> {
  const [command, userId, ...more] = args;
  if (more.length > 0) return undefined;
  if (command === 'put' && userId !== undefined) {
    const given = exchangeKeys.safeParse(parseJson(await text(process.stdin)));
    if (!given.success) throw new Error('standard input is not {"apiKey": "...", "secretKey": "..."}');
    await credentials.put({ userId, exchange: MEXC }, given.data, ACTOR);
    return `stored the ${MEXC} keys of ${userId}`;
  }
  if (command === 'rewrap' && userId === undefined) {
    const { rewrapped, failed } = await credentials.rewrap(ACTOR);
    if (failed > 0) throw new Error(`${rewrapped} wrapped anew, ${failed} cannot be opened with the master keys given`);
    return `${rewrapped} wrapped anew`;
  }
  if (command === 'trail' && userId !== undefined) {
    const trail = await store.audits(userId, TRAIL_MAX);
    return trail.map((use) => `${isoTime(use.last_at_ms)}  ${use.action}  by ${use.actor}  x ${use.count}`).join('\n');
  }
  return undefined;
}

function parseJson(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return undefined; // Nothing of it is repeated: it may be half a secret.
  }
}

async function main(args: readonly string[], { dynamo, masterKeys }: KeysConfig): Promise<number> {
  const now = Date.now;
  const store = await createDynamoStore({ ...dynamo, now });
  let failed = 0;
  const audit = createAudit({
    store,
    now,
    onLost() {},
    raised() {
      failed += 1;
    },
  });
  try {
    const credentials = createCredentials({ store, masterKeys: createLocalMasterKeys(masterKeys), audit, now });
    const printed = await run(args, store, credentials);
    process[printed === undefined ? 'stderr' : 'stdout'].write(`${printed ?? USAGE}\n`);
    await audit.flush();
    if (failed > 0) throw new Error('it was done, but could not be written to the audit trail');
    return printed === undefined ? EXIT_USAGE : 0;
  } finally {
    await audit.close();
    await store.close();
  }
}

const config = readKeysConfig();
if (!config.ok) {
  process.stderr.write(renderEnvProblems('keys', config.problems));
  process.exit(EXIT_USAGE);
}
try {
  process.exitCode = await main(process.argv.slice(2), config.value);
} catch (error) {
  process.stderr.write(`keys: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = EXIT_ERROR;
}
