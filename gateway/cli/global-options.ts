// The program itself: what every command of the command line takes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { Output } from './answer.ts';
import { wholeNumber } from './numbers.ts';

const MANIFEST = join(import.meta.dirname, '..', '..', 'package.json');
const VERSION: string = JSON.parse(readFileSync(MANIFEST, 'utf8')).version;

const EXAMPLES = `Examples:
  banyan status                                         is all well?
  banyan routes --watch                                 what is where, as it changes
  banyan stage orders.get shadow --reason "compare it"  copy its requests, and compare
  banyan diffs orders.get                               what differs
  banyan rollback orders.get --reason "wrong totals"    back to legacy, at once
README.md has a tour, MIGRATION.md the runbook; banyan doctor says what is wrong here.
`;

export interface GlobalOptions {
  readonly url?: string;
  readonly context?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly plain?: boolean;
  readonly quiet?: boolean;
  /** False by --no-input. */
  readonly input: boolean;
  readonly timeout: number;
}

/** The program without its commands. */
export function createProgram({ out, err }: Pick<Output, 'out' | 'err'>): Command {
  return new Command('banyan')
    .description('Moves a live backend to a new one, endpoint by endpoint, on evidence.')
    .option(
      '--url <url>',
      "the gateway's operator address (default: $BANYAN_URL, the context in use, or http://127.0.0.1:8081)",
    )
    .option('--context <name>', 'the gateway that is known by this name: banyan context')
    .option(
      '--token-file <file>',
      "file with the operator token, - for stdin (default: the context's, $BANYAN_OPERATOR_TOKEN, or the sandbox's own)",
    )
    .addOption(new Option('--json', 'print one JSON document instead of text; with --watch one on each line'))
    .addOption(new Option('--plain', 'print tables as lines with tabs between the columns').conflicts('json'))
    .option('-q, --quiet', 'say nothing but data and errors')
    .option('--no-input', 'ask nothing, also at a terminal')
    .option('--no-color', 'accepted, as NO_COLOR is: nothing is coloured')
    .option('--timeout <ms>', 'how long the gateway may take to answer', wholeNumber, 10_000)
    .version(VERSION)
    .addHelpText('before', EXAMPLES)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => out(text.trimEnd()), writeErr: (text) => err(text.trimEnd()) })
    .exitOverride();
}
