// The references of docs/reference, made from what the code says of itself. `npm run docs` writes them.

import { runCli as runBanyan } from '../../gateway/cli/program.ts';
import { openApiDocument } from '../../gateway/operator/openapi.ts';
import { runCli as runMigrate } from '../../migration/cli/program.ts';
import { testBackend } from '../helpers/backend.ts';
import { apiSection } from './reference-api.ts';
import { cliSection } from './reference-cli.ts';
import { configurationPage } from './reference-configuration.ts';
import { metricsPage } from './reference-metrics.ts';

const MADE = 'Made by `npm run docs`, from the code; do not edit.';

/** The pages by their file's name. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  const { json } = await testBackend().call('GET', '/openapi.json');
  const signal = new AbortController().signal;
  const banyan = (args: readonly string[], out: (text: string) => void) => runBanyan(args, { out, err: out });
  const migrate = (args: readonly string[], out: (text: string) => void) =>
    runMigrate(args, { output: { out, err: out }, signal, env: {} });
  const api = [
    `# The APIs\n\n${MADE} Shapes of bodies and answers are in \`/openapi.json\` of a process that runs, and at its \`/docs\`.`,
    `## The gateway: the operator's API\n\n${apiSection(openApiDocument())}`,
    `## The new backend\n\n${apiSection(json)}`,
  ].join('\n\n');
  const cli = [
    `# The command lines\n\n${MADE}`,
    await cliSection('banyan', banyan),
    await cliSection('banyan-migrate', migrate),
  ].join('\n\n');
  return new Map([
    ['api.md', `${api}\n`],
    ['cli.md', `${cli}\n`],
    ['configuration.md', `# The configuration\n\n${MADE}\n\n${configurationPage()}\n`],
    ['metrics.md', `# The metrics\n\n${MADE}\n\n${await metricsPage()}\n`],
  ]);
}
