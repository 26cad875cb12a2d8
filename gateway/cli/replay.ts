// `banyan diffs replay`: the requests of samples sent again, and what the answers are like now.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { parseCompare } from '../../config/compare-rules.ts';
import { gatewaySchema } from '../../config/gateway-schema.ts';
import { redact } from '../../config/route-schema.ts';
import { FAILED_REPLAYS, GOOD_REPLAYS, openBuildReplays, replayHeaders } from '../mirror/replay.ts';
import type { Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { CommandError, EXIT } from './exit.ts';
import { type Suite, sampleSchema } from './suite.ts';
import { table } from './table.ts';

type Headers = z.output<typeof replayHeaders>;

const replaySchema = z.looseObject({
  n: z.number(),
  method: z.string(),
  target: z.string(),
  was: z.string(),
  result: z.string(),
  detail: z.string().nullable(),
  differences: z.array(
    z.looseObject({ path: z.string(), kind: z.string(), critical: z.boolean(), rule: z.string().optional() }),
  ),
  fixed: z.array(z.string()),
});
type ReplayView = z.output<typeof replaySchema>;

const routeSchema = z.looseObject({
  settings: z.looseObject({
    compare: z.unknown(),
    redact,
    mirror: z.looseObject({ timeoutMs: z.number(), bodyBytesMax: z.number() }),
  }),
});
const listSchema = z.looseObject({ samples: z.array(z.looseObject({ n: z.number() })) });

/** A route's samples, all or one, with the rules in force. */
export async function fetchSuite(api: ApiClient, route: string, only: number | undefined): Promise<Suite> {
  const path = `/api/routes/${encodeURIComponent(route)}`;
  const { compare, redact, mirror } = routeSchema.parse((await api.get(path)).body).settings;
  const { samples: listed } = listSchema.parse((await api.get(`${path}/samples`)).body);
  const numbers = only === undefined ? listed.map(({ n }) => n) : [only];
  const samples = [];
  for (const n of numbers) samples.push(sampleSchema.parse((await api.get(`${path}/samples/${n}`)).body));
  const { timeoutMs, bodyBytesMax } = mirror;
  return { version: 1, route, compare: parseCompare(compare), redact, timeoutMs, bodyBytesMax, samples };
}

/** On both sides, by the gateway: one after the other, so that they burden nobody. */
export async function replayOnGateway(api: ApiClient, { route, samples }: Suite, headers: Headers): Promise<Result> {
  const replays: ReplayView[] = [];
  for (const { n } of samples) {
    const path = `/api/routes/${encodeURIComponent(route)}/samples/${n}/replay`;
    replays.push(replaySchema.parse((await api.send('POST', path, { headers })).body));
  }
  return reportOf(route, replays);
}

const buildSchema = gatewaySchema.shape.upstreams.shape.new;

/** On a build that the gateway does not know, from here: a gateway that fetched any address would be a way into its network. */
export async function replayOnBuild(url: string, suite: Suite, headers: Headers): Promise<Result> {
  const upstream = buildSchema.safeParse({ url });
  if (!upstream.success) throw new CommandError(EXIT.usage, `--against ${url}: ${upstream.error.issues[0]?.message}`);
  const { route, samples, ...settings } = suite;
  const build = openBuildReplays(upstream.data, { ...settings, headers }, () => new Date());
  try {
    const replays: ReplayView[] = [];
    for (const sample of samples) replays.push(replaySchema.parse(await build.replay(sample)));
    return reportOf(route, replays);
  } finally {
    await build.close();
  }
}

/** The report; exit code 6 unless everything that could be judged is right, and something could. */
function reportOf(route: string, replays: readonly ReplayView[]): Result {
  const count = (results: readonly string[]) => replays.filter(({ result }) => results.includes(result)).length;
  const [failed, good] = [count(FAILED_REPLAYS), count(GOOD_REPLAYS)];
  const passed = failed === 0 && (good > 0 || replays.length === 0);
  const rows = replays.map(({ n, method, target, was, result, ...found }) => [
    String(n),
    `${method} ${target}`,
    was,
    result,
    explanation(found),
  ]);
  const verdict = { route, passed, replayed: replays.length, good, failed, undecided: replays.length - good - failed };
  const notes =
    replays.length === 0
      ? ['no sample is kept, so nothing was replayed']
      : verdict.undecided > 0
        ? [`${verdict.undecided} of ${replays.length} samples say neither`]
        : [];
  return {
    json: { ...verdict, replays },
    text: [
      table(['SAMPLE', 'REQUEST', 'WAS', 'NOW', 'WHAT'], rows),
      `${good} right, ${failed} wrong, ${verdict.undecided} undecided`,
    ],
    notes,
    ...(passed ? {} : { code: EXIT.gateNotMet }),
  };
}

function explanation({ detail, differences, fixed }: Pick<ReplayView, 'detail' | 'differences' | 'fixed'>): string {
  const counting = differences.filter(({ rule }) => rule === undefined);
  const differing = counting.map(({ path, kind, critical }) => `${path} (${kind}${critical ? ', critical' : ''})`);
  return [
    ...(detail === null ? [] : [detail]),
    ...(differing.length > 0 ? [`differs: ${[...new Set(differing)].join(', ')}`] : []),
    ...(fixed.length > 0 ? [`agrees now: ${fixed.join(', ')}`] : []),
  ].join('; ');
}

/** `NAME:VALUE`, or `@FILE` with one a line, which keeps secrets out of the list of processes. @throws {CommandError} */
export function readHeaders(given: readonly string[]): Headers {
  const lines = given.flatMap((text) => (text.startsWith('@') ? linesOf(text.slice(1)) : [text]));
  const pairs = lines.map((line) => {
    const colon = line.indexOf(':');
    if (colon < 1) throw new CommandError(EXIT.usage, '--header: expected NAME:VALUE, or @FILE with one such a line');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  const parsed = replayHeaders.safeParse(pairs);
  if (parsed.success) return parsed.data;
  throw new CommandError(EXIT.usage, `--header: ${parsed.error.issues[0]?.message}`);
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
  } catch (error) {
    throw new CommandError(EXIT.usage, `--header @${file}: ${(error as Error).message}`, { cause: error });
  }
}
