// `banyan doctor`: looks whether everything is as it should be, and says what to do where it is not. Changes nothing.
import { z } from 'zod';
import { ConfigError, loadGatewayConfig, readOperatorSecrets } from '../../config/load-gateway.ts';
import type { Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { CommandError, EXIT } from './exit.ts';
import { table } from './table.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do; null where nothing is wrong. */
  readonly remedy: string | null;
}

const good = (name: string, detail: string): Check => ({ name, ok: true, detail, remedy: null });
const bad = (name: string, detail: string, remedy: string): Check => ({ name, ok: false, detail, remedy });

/** The code is run without a build step by what strips types and has node:sqlite; see README, Node. */
const NODE_MIN = [24, 15] as const;

export interface DoctorOptions {
  /** A configuration to look at, beside the running gateway. */
  readonly config?: string;
  readonly url: string;
}

export async function examine(api: ApiClient | string, { config, url }: DoctorOptions): Promise<Result> {
  const checks = [
    checkNode(process.versions.node),
    ...(config === undefined ? [] : checkConfig(config)),
    ...(typeof api === 'string'
      ? [bad('token', api, 'name a token: --token-file, BANYAN_OPERATOR_TOKEN, or a context')]
      : await checkGateway(api, url)),
  ];
  const ok = checks.every((check) => check.ok);
  const rows = checks.map(({ name, ok, detail, remedy }) => [
    ok ? 'ok' : 'FAIL',
    name,
    remedy === null ? detail : `${detail} -> ${remedy}`,
  ]);
  return { json: { ok, checks }, text: table(['', 'CHECK', 'FOUND'], rows), ...(ok ? {} : { code: EXIT.error }) };
}

/** Pure. */
export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (isEnough) return good('node', version);
  return bad(
    'node',
    version,
    `install Node ${NODE_MIN.join('.')} or newer, or run npm ci for the one that comes along`,
  );
}

function checkConfig(file: string): Check[] {
  try {
    const config = loadGatewayConfig(file);
    readOperatorSecrets(config, file);
    return [good('configuration', `${file}: ${config.routes.length} routes`)];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ line, column, at, message }) =>
      bad('configuration', `${file}:${line}:${column}: ${at}`, message),
    );
  }
}

const side = z.looseObject({ url: z.string(), healthy: z.boolean().nullable(), problem: z.string().nullable() });
const problem = z.looseObject({ problem: z.string().nullable() });
const statusSchema = z.looseObject({
  environment: z.string(),
  ready: z.boolean(),
  override: z.looseObject({ actor: z.string(), reason: z.string() }).nullable(),
  config: problem,
  flags: problem,
  ledger: problem,
  evidence: problem,
  workers: z.looseObject({ wanted: z.number(), serving: z.number() }),
  upstreams: z.looseObject({ legacy: side, new: side }),
});
const sessionSchema = z.looseObject({ caller: z.looseObject({ name: z.string(), role: z.string() }).nullable() });
type Status = z.output<typeof statusSchema>;

async function checkGateway(api: ApiClient, url: string): Promise<Check[]> {
  try {
    const { caller } = sessionSchema.parse((await api.get('/api/session')).body);
    const status = statusSchema.parse((await api.get('/api/status')).body);
    const who = caller === null ? 'nobody' : `${caller.name}, ${caller.role}`;
    return [good('gateway', url), good('token', who), ...checkStatus(status)];
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.code === EXIT.notPermitted) {
      const remedy = 'name a token of operator.tokens: --token-file, BANYAN_OPERATOR_TOKEN, or a context';
      return [good('gateway', url), bad('token', error.message, remedy)];
    }
    return [bad('gateway', error.message, 'start it, or name its operator address with --url or a context')];
  }
}

/** Pure. */
export function checkStatus({ environment, ready, override, workers, upstreams, ...status }: Status): Check[] {
  const ofProblem = (name: 'config' | 'flags' | 'ledger' | 'evidence', remedy: string) => {
    const { problem } = status[name];
    return problem === null ? good(name, 'in order') : bad(name, problem, remedy);
  };
  const serve = `${workers.serving} of ${workers.wanted} processes serve`;
  return [
    ready
      ? good('ready', environment)
      : bad('ready', environment, 'GET /readyz says why; it may be starting or stopping'),
    workers.serving === workers.wanted
      ? good('workers', serve)
      : bad('workers', serve, "the gateway's log says why they ended"),
    ofProblem('config', 'correct the file; the last good configuration is in force'),
    ofProblem('flags', 'look at the flag server, its token and the network; the last known flags are in force'),
    ofProblem(
      'ledger',
      'look at the disk, or at Redis; changes are refused, and rollbacks would not survive a restart',
    ),
    ofProblem('evidence', 'look at the disk, or at Redis; what was found since would not survive a restart'),
    ...(['legacy', 'new'] as const).map((name) => checkSide(name, upstreams[name])),
    override
      ? bad(
          'override',
          `all routes forced by ${override.actor}: ${override.reason}`,
          'banyan rollback --all --lift, once it is over',
        )
      : good('override', 'none of all routes'),
  ];
}

function checkSide(name: string, { url, healthy, problem }: z.output<typeof side>): Check {
  if (healthy === false) return bad(name, `${url}: ${problem}`, 'look at the backend, and at health of its upstream');
  return good(name, healthy === null ? `${url}, not checked: it has no health in the configuration` : url);
}
