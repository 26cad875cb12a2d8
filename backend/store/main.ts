// `npm run table [-- --dry-run --stream]`: the table as the backend wants it, and what that changed, one JSON line a step. Exit
// codes: 0 as wanted, 1 it could not be done, 2 the options or the environment are wrong, 3 with --dry-run: something would change.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { readTableConfig } from '../../config/backend.ts';
import { renderEnvProblems } from '../../config/env.ts';
import { createClient } from './dynamo.ts';
import { setUpTable } from './setup.ts';

const [EXIT_ERROR, EXIT_USAGE, EXIT_WANTED] = [1, 2, 3];
/** What stand-ins of DynamoDB do not have and the backend can do without. */
const OPTIONAL: ReadonlySet<string> = new Set(['expiry', 'recovery', 'stream']);

function readOptions() {
  try {
    return parseArgs({
      options: { 'dry-run': { type: 'boolean', default: false }, stream: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : error}\nnpm run table -- [--dry-run] [--stream]\n`,
    );
    process.exit(EXIT_USAGE);
  }
}

const options = readOptions();
const config = readTableConfig();
if (!config.ok) {
  process.stderr.write(renderEnvProblems('table', config.problems));
  process.exit(EXIT_USAGE);
}
const { endpoint, region, table } = config.value;
const client = createClient({ endpoint, region });
try {
  const steps = await setUpTable(client, { table, dryRun: options['dry-run'], stream: options.stream });
  for (const step of steps) process.stdout.write(`${JSON.stringify(step)}\n`);
  const isStandIn = endpoint !== undefined;
  const refused = steps.some(({ step, outcome }) => outcome === 'refused' && !(isStandIn && OPTIONAL.has(step)));
  const wanted = steps.some(({ outcome }) => outcome === 'wanted');
  process.exitCode = refused ? EXIT_ERROR : wanted ? EXIT_WANTED : 0;
} catch (error) {
  process.stderr.write(`table: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = EXIT_ERROR;
} finally {
  client.destroy();
}
