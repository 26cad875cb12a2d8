// A scripted stand-in for an Unleash server: the part of its HTTP API that the gateway uses, and faults on demand. What the
// real one does is in test/unleash/.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { closeServer, listen } from '../../gateway/listen.ts';

export const CLIENT_TOKEN = 'default:development.client';
export const ADMIN_TOKEN = '*:*.admin';

export interface StandInStrategy {
  id: string;
  name: string;
  parameters: Record<string, unknown>;
  constraints: unknown[];
  segments?: number[];
  variants?: unknown[];
  disabled?: boolean;
}
export interface StandInFlag {
  name: string;
  enabled: boolean;
  strategies: StandInStrategy[];
  dependencies?: { feature: string }[];
}

export interface CalledFor {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
}

/** Answers in the place of the server, or lets it answer. */
export type Fault = (request: CalledFor, response: ServerResponse) => boolean;

export interface UnleashStandIn {
  /** Of its API. */
  readonly url: string;
  readonly port: number;
  /** As they are now; changes are seen at once, unless `served` holds others. */
  readonly flags: Map<string, StandInFlag>;
  /** Every request so far. */
  readonly calls: CalledFor[];
  /** What the client API answers; the flags as they are now unless it is set: as a server that is behind would. */
  served: string | undefined;
  fault: Fault | undefined;
  close(): Promise<void>;
}

/** Always answers this status, with this text. */
export const answering =
  (status: number, text = '', only: (request: CalledFor) => boolean = () => true): Fault =>
  (request, response) => {
    if (!only(request)) return false;
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    return true;
  };

export const isWrite = ({ method }: CalledFor) => method !== 'GET';

/** A plain gradual rollout, as Unleash's own pages make it. */
export function aFlag(name: string, percent: number, strategy: Partial<StandInStrategy> = {}): StandInFlag {
  const parameters = { rollout: String(percent), stickiness: 'default', groupId: name };
  return {
    name,
    enabled: percent > 0,
    strategies: [{ id: `${name}-1`, name: 'flexibleRollout', parameters, constraints: [], ...strategy }],
  };
}

export async function startUnleashStandIn(port = 0): Promise<UnleashStandIn> {
  let strategies = 0;
  const server = createServer((request, response) => void answer(request, response));
  const address = await listen(server, `127.0.0.1:${port}`);
  const standIn: UnleashStandIn = {
    url: `http://${address}/api`,
    port: Number(address.split(':').at(-1)),
    flags: new Map(),
    calls: [],
    served: undefined,
    fault: undefined,
    async close() {
      server.closeAllConnections();
      await closeServer(server, 0);
    },
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const call = { method, path: url.split('?')[0] ?? '', authorization: headers.authorization };
    standIn.calls.push(call);
    const body = await textOf(request);
    if (standIn.fault?.(call, response)) return;
    const say = (status: number, content?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(content === undefined ? '' : JSON.stringify(content));
    };
    if (call.path === '/api/client/features') return clientFeatures(call, request, response);
    if (call.authorization !== ADMIN_TOKEN) return say(403, { message: 'admins only' });
    const [, name = '', rest = ''] = /\/features(?:\/([^/]+)(.*))?$/.exec(call.path) ?? [];
    const [status, content] = admin(method, decodeURIComponent(name), rest, body === '' ? undefined : JSON.parse(body));
    say(status, content);
  }

  function clientFeatures(call: CalledFor, request: IncomingMessage, response: ServerResponse): void {
    if (call.authorization !== CLIENT_TOKEN) return void response.writeHead(401).end();
    const content = standIn.served ?? definitionsOf(standIn.flags.values());
    const etag = `"${createHash('sha256').update(content).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    response.writeHead(200, { 'content-type': 'application/json', etag }).end(content);
  }

  function admin(method: string, name: string, rest: string, body: StandInStrategy | undefined): [number, unknown?] {
    if (name === '') {
      const made = body?.name ?? '';
      if (standIn.flags.has(made)) return [409, { details: [{ message: `${made} exists` }] }];
      standIn.flags.set(made, { name: made, enabled: false, strategies: [] });
      return [201, { name: made }];
    }
    const flag = standIn.flags.get(name);
    if (!flag) return [404, { message: `no flag ${name}` }];
    if (rest === '') {
      const { enabled, strategies: own, dependencies } = flag;
      return [200, { name, dependencies, environments: [{ name: 'development', enabled, strategies: own }] }];
    }
    const [, what, id] = /^\/environments\/development\/(on|off|strategies)(?:\/(.+))?$/.exec(rest) ?? [];
    if (what === 'on' || what === 'off') {
      flag.enabled = what === 'on';
      return [200];
    }
    if (what !== 'strategies') return [404];
    const at = flag.strategies.findIndex((each) => each.id === id);
    if (method === 'POST' && body) flag.strategies.push({ ...body, id: `made-${++strategies}` });
    else if (method === 'PUT' && body && id && at >= 0) flag.strategies[at] = { ...body, id };
    else if (method === 'DELETE' && at >= 0) flag.strategies.splice(at, 1);
    else return [404];
    return [200];
  }
  return standIn;
}

/** Flags as the client API answers them. */
export function definitionsOf(flags: Iterable<StandInFlag>): string {
  const features = [...flags].map(({ strategies, ...flag }) => ({
    ...flag,
    type: 'release',
    strategies: strategies.filter(({ disabled }) => !disabled).map(({ id: _id, ...strategy }) => strategy),
  }));
  return JSON.stringify({ version: 2, features, meta: { revisionId: 1 } });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
