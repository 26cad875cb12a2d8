// The command line's grammar: `npm run loadtest -- run | compare | list | install`.
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { operatorTarget } from '../config/cli-environment.ts';
import { parseLoadReport } from '../config/load-report.ts';
import { certificateKey } from '../config/loadtest.ts';
import { compare } from './compare.ts';
import { EXIT, LoadtestError } from './exit.ts';
import { findK6, HOW_TO_GET, type K6 } from './find-k6.ts';
import { installK6 } from './install-k6.ts';
import { PROFILES } from './k6/profiles.ts';
import { type Profile, TARGETS, type Target } from './k6/settings.ts';
import { ARM_HEAD, armRow, markdownOf } from './markdown.ts';
import { DEFAULT_URLS, loadOf, type Options, originOf, P95_MAX_MS } from './options.ts';
import type { Report } from './report.ts';
import { runK6 } from './run-k6.ts';
import { createTally } from './tally.ts';
import { writeCertificate, writeReport } from './write-report.ts';

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

interface RunOptions extends Options {
  readonly target: Target;
  readonly operator?: string;
}
interface CompareOptions extends Options {
  readonly targets: readonly Target[];
  readonly rounds: number;
  readonly out: string;
  readonly baseline?: string;
  readonly certificate?: string;
  readonly validHours: number;
}

const ROUNDS = 6;
const ROUNDS_MAX = 200;
const VALID_HOURS = 24;

/** Runs one command; answers its exit code. `signal` ends it in order. */
export async function runCli(args: readonly string[], output: Output, signal: AbortSignal): Promise<number> {
  const { out, err } = output;
  let code: number = EXIT.ok;
  const program = new Command('loadtest')
    .description('Puts the sandbox, or what --remote allows, under load by k6. Exit codes: 6 when a limit is not met.')
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => out(text.trimEnd()), writeErr: (text) => err(text.trimEnd()) })
    .exitOverride();
  withLoad(program.command('run').argument('<profile>', Object.keys(PROFILES).join(', '), profileNamed))
    .description('one run of a profile')
    .addOption(new Option('--target <target>', 'whom to ask').choices(TARGETS).default('gateway'))
    .option('--operator <url>', "the operator's API, which moves routes in the profile flip; else as banyan finds it")
    .option('--p95-max-ms <n>', 'what the p95 of every route may be', positive, P95_MAX_MS)
    .action(async (profile: Profile, options: RunOptions) => {
      code = await runProfile(profile, options, { output, signal });
    });
  withLoad(program.command('compare'))
    .description('all targets in turn, several rounds; writes compare.json, compare.md and compare.html')
    .option('--targets <list>', 'whom to ask', targetsNamed, TARGETS)
    .option('--rounds <n>', 'rounds of all targets', positive, ROUNDS)
    .option('--out <folder>', 'where the report goes', '.data/loadtest')
    .option('--baseline <file>', 'compare.json of an earlier release, to be held to as well')
    .option('--certificate <folder>', 'write load.json there, for routes that require it')
    .option('--valid-hours <n>', 'how long that counts', positive, VALID_HOURS)
    .action(async (options: CompareOptions) => {
      code = await runComparison(options, { output, signal });
    });
  program
    .command('list')
    .description('the profiles, and which k6 would run them')
    .action(() => out(listText()));
  program
    .command('install')
    .description('build k6 with Go, once, into a cache')
    .action(() => out(findK6()?.from ?? installK6(err)));
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return failed(error, err);
  }
}

interface Ends {
  readonly output: Output;
  readonly signal: AbortSignal;
}

function withLoad(command: Command): Command {
  return command
    .option('--legacy <url>', 'the legacy backend', DEFAULT_URLS.legacy)
    .option('--new <url>', 'the new backend', DEFAULT_URLS.new)
    .option('--gateway <url>', 'the gateway', DEFAULT_URLS.gateway)
    .option('--rate <n>', 'journeys per second; each profile has its own', positive)
    .option('--seconds <n>', 'how long; each profile has its own', positive)
    .option('--clients <n>', 'clients that may be under way at once', positive, 200)
    .option('--streams <n>', 'streams of each kind, in the profile streams', positive, 10)
    .option('--remote', 'other machines than this one may be put under load; no orders are made there', false)
    .option('--writes', 'make orders, on another machine too')
    .option('--no-writes', 'make no orders');
}

function positive(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError('is not a whole number above 0');
  return value;
}

function profileNamed(text: string): Profile {
  if (!Object.hasOwn(PROFILES, text)) throw new InvalidArgumentError(`is none of ${Object.keys(PROFILES).join(', ')}`);
  return text as Profile; // One of its own keys.
}

function targetsNamed(text: string): readonly Target[] {
  const names = text.split(',');
  const targets = TARGETS.filter((target) => names.includes(target));
  if (targets.length !== names.length) throw new InvalidArgumentError(`is no list of ${TARGETS.join(', ')}`);
  return targets;
}

function k6OrFail(): K6 {
  const k6 = findK6();
  if (k6 === undefined) throw new LoadtestError(EXIT.error, HOW_TO_GET);
  return k6;
}

async function runProfile(profile: Profile, options: RunOptions, { output, signal }: Ends): Promise<number> {
  const { target, remote } = options;
  if (profile === 'flip' && target !== 'gateway')
    throw new LoadtestError(EXIT.usage, 'flips are made by the gateway: --target gateway');
  const load = loadOf(options, profile);
  const url = originOf(options[target], remote);
  const operator = profile === 'flip' ? operatorOf(options) : undefined;
  const tally = createTally();
  const { met } = await runK6(k6OrFail(), {
    settings: { ...load, profile, target, url, ...(operator === undefined ? {} : { operatorUrl: operator.url }) },
    ...(operator === undefined ? {} : { token: operator.token }),
    ...{ summary: true, signal, onText: output.err },
    onPoint: (point) => tally.add(point, target, 0),
  });
  for (const cells of [ARM_HEAD, ...tally.arms().map(armRow)]) output.out(cells.join('  '));
  return met ? EXIT.ok : EXIT.notMet;
}

function operatorOf({ operator, remote }: RunOptions): { readonly url: string; readonly token: string } {
  const { url, token } = operatorTarget({ url: operator });
  if (!token.ok) throw new LoadtestError(EXIT.usage, `flips need the operator's token: ${token.message}`);
  return { url: originOf(url, remote), token: token.value };
}

async function runComparison(options: CompareOptions, { output, signal }: Ends): Promise<number> {
  const { targets, rounds, remote, out, certificate, validHours } = options;
  if (rounds > ROUNDS_MAX) throw new LoadtestError(EXIT.usage, `--rounds may be at most ${ROUNDS_MAX}`);
  const baseline = options.baseline === undefined ? undefined : readBaseline(options.baseline);
  const key = certificate === undefined ? undefined : keyOrFail(); // Missing, it is missed before the load, not after.
  const urls = Object.fromEntries(targets.map((target) => [target, originOf(options[target], remote)]));
  const load = loadOf(options, 'compare', rounds * targets.length);
  const report = await compare(k6OrFail(), { urls, rounds, load, baseline, say: output.err, signal });
  output.out(markdownOf(report));
  for (const file of writeReport(report, out)) output.err(`wrote ${file}`);
  if (key !== undefined && certificate !== undefined)
    output.err(`wrote ${writeCertificate(report, { folder: certificate, validHours, key })}`);
  return report.met ? EXIT.ok : EXIT.notMet;
}

function keyOrFail(): string {
  const key = certificateKey();
  if (!key.ok) throw new LoadtestError(EXIT.usage, `a certificate needs a key to be signed with: ${key.message}`);
  return key.value;
}

function readBaseline(file: string): Report {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new LoadtestError(EXIT.usage, `cannot read the baseline: ${error instanceof Error ? error.message : error}`);
  }
  const read = parseLoadReport(text);
  if ('problem' in read) throw new LoadtestError(EXIT.usage, `${file} is no baseline: ${read.problem}`);
  return read.report;
}

function listText(): string {
  const profiles = Object.entries(PROFILES).map(
    ([name, { summary, rate, seconds }]) => `${name.padEnd(8)} ${`${rate}/s, ${seconds} s`.padEnd(14)} ${summary}`,
  );
  const k6 = findK6();
  return [...profiles, '', k6 === undefined ? HOW_TO_GET : `k6 ${k6.version}: ${k6.from}`].join('\n');
}

function failed(error: unknown, err: (text: string) => void): number {
  if (error instanceof LoadtestError) {
    err(`loadtest: ${error.message}`);
    return error.code;
  }
  if (error instanceof Error && 'exitCode' in error) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // commander has said why.
  throw error;
}
