import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GatewayConfig, gatewaySchema } from '../../config/gateway-schema.ts';
import { startGateway } from '../../gateway/gateway.ts';
import { createGatewayLog } from '../../gateway/request-log.ts';
import { assertDescribed } from './openapi.ts';

export const OPERATOR_TOKEN = 'operator-token-for-tests';
export const VIEWER_TOKEN = 'viewer-token-for-tests';

export interface TestGateway {
  readonly url: string;
  readonly port: number;
  readonly operatorUrl: string;
  /** Lines of the log so far, parsed. */
  readonly log: readonly Record<string, unknown>[];
  readonly folder: string;
  /** Calls the operator's API with the operator's token. Fails when the answer is none that its OpenAPI document has. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  close(): Promise<void>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // Tests assert on what is in it.
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what a test is about
  readonly body: any;
}

export interface TestGatewayOptions {
  readonly legacy: string;
  readonly new: string;
  readonly routes?: readonly unknown[];
  readonly overrides?: Partial<Record<keyof GatewayConfig, unknown>>;
  /** Reuse state: the folder of an earlier gateway. */
  readonly folder?: string;
  readonly now?: () => Date;
  /** Secrets that `operator` names, beside those of the two tokens. */
  readonly secrets?: readonly (readonly [name: string, value: string])[];
  readonly consoleDir?: string;
}

/** The operator's part of a test gateway's configuration. */
export const TEST_OPERATOR = {
  listen: '127.0.0.1:0',
  tokens: [
    { name: 'ops', role: 'operator', tokenEnv: 'OPERATOR' },
    { name: 'watcher', role: 'viewer', tokenEnv: 'VIEWER' },
  ],
};

/** A gateway on free ports, its state in a folder of its own, with an operator's and a viewer's token. */
export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'banyan-gateway-'));
  const config = gatewaySchema.parse({
    version: 1,
    environment: 'test',
    listen: '127.0.0.1:0',
    expose: true,
    operator: TEST_OPERATOR,
    upstreams: { legacy: { url: options.legacy }, new: { url: options.new } },
    flags: { provider: 'file', file: join(folder, 'flags.json') },
    ledger: `sqlite:${join(folder, 'gateway.db')}`,
    ledgerJournal: join(folder, 'ledger-journal'),
    identity: ['header:x-user-id', 'address'],
    routes: options.routes ?? [],
    shutdown: { delayMs: 0 },
    ...options.overrides,
  });
  const log: Record<string, unknown>[] = [];
  const stream = {
    write(lines: string) {
      for (const line of lines.trimEnd().split('\n')) log.push(JSON.parse(line));
    },
  };
  const gateway = await startGateway({
    config,
    tokens: new Map([['OPERATOR', OPERATOR_TOKEN], ['VIEWER', VIEWER_TOKEN], ...(options.secrets ?? [])]),
    log: createGatewayLog({ level: config.log.level === 'info' ? 'debug' : config.log.level, stream }),
    ...(options.now ? { now: options.now } : {}),
    ...(options.consoleDir ? { consoleDir: options.consoleDir } : {}),
  });
  const operatorUrl = `http://${gateway.listening.operator}`;
  return {
    url: `http://${gateway.listening.traffic}`,
    port: Number(gateway.listening.traffic.split(':').at(-1)),
    operatorUrl,
    log,
    folder,
    async api(method, path, body, headers = {}) {
      const answer = await callApi(`${operatorUrl}${path}`, method, body, headers);
      assertDescribed({ method, path, ...answer });
      return answer;
    },
    async close() {
      await gateway.close();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function callApi(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<ApiAnswer> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${OPERATOR_TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** A route that matches everything below a path. */
export function routeOn(path: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  return { id: 'test.route', match: { methods: ['*'], path }, ...extra };
}
