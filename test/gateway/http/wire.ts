// Exact bytes on both ends: a gateway between raw clients and an upstream that keeps what it got.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway, type TestGatewayOptions } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { startRawServer, type TestServer } from '../../helpers/upstream.ts';

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CANARY = 'GET /canary HTTP/1.1\r\nHost: canary\r\nConnection: close\r\n\r\n';

export interface Wire {
  readonly gateway: TestGateway;
  readonly upstream: TestServer;
  /** Bytes that the upstream got since the last call, as latin1, without the canaries. */
  heard(): string;
  /** How many connections the gateway has opened to the upstream. */
  readonly connections: number;
  /** Sends bytes on a connection of its own; answers what came until the gateway closed it. */
  exchange(bytes: string): Promise<string>;
  /** An ordinary request of another client, which must get its own answer; all that was forwarded before it has arrived then. */
  canary(): Promise<void>;
  refusedCount(reason: string): Promise<number>;
  close(): Promise<void>;
}

/** Answers a request whose bytes so far are `heard`, and says whether it did. */
export type Script = (heard: string, socket: Socket) => boolean;

/** Answers as soon as the request is whole. */
export const answerOnce: Script = (heard, socket) => {
  const end = heard.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = Number(/^content-length: *(\d+)/im.exec(heard.slice(0, end))?.[1] ?? 0);
  const isChunked = /^transfer-encoding:/im.test(heard.slice(0, end));
  if (isChunked ? !heard.endsWith('0\r\n\r\n') : heard.length < end + 4 + length) return false;
  socket.write(OK);
  return true;
};

export async function startWire(script: Script = answerOnce, options: Partial<TestGatewayOptions> = {}): Promise<Wire> {
  let heard = '';
  let connections = 0;
  const upstream = await startRawServer((socket) => {
    let request = '';
    connections++;
    socket.on('data', (chunk) => {
      request += chunk.toString('latin1');
      if (request.startsWith('GET /canary')) {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ncanary');
        request = '';
        return;
      }
      heard += chunk.toString('latin1');
      if (script(request, socket)) request = '';
    });
  });
  const gateway = await startTestGateway({
    legacy: upstream.url,
    new: 'http://127.0.0.1:9',
    routes: [routeOn('/*', { timeoutMs: 2_000 })],
    ...options,
    overrides: { expose: false, ...options.overrides },
  });
  const exchange = async (bytes: string) => {
    const client = await connectRaw(gateway.port);
    client.send(bytes);
    try {
      return await client.closed();
    } finally {
      client.socket.destroy();
    }
  };
  return {
    gateway,
    upstream,
    get connections() {
      return connections;
    },
    heard() {
      const all = heard;
      heard = '';
      return all;
    },
    exchange,
    async canary() {
      assert.match(await exchange(CANARY), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\ncanary$/);
    },
    async refusedCount(reason) {
      const { body } = await gateway.api('GET', '/metrics');
      return Number(new RegExp(`banyan_requests_refused_total\\{reason="${reason}"\\} (\\d+)`).exec(body)?.[1] ?? 0);
    },
    async close() {
      await gateway.close();
      await upstream.close();
    },
  };
}

/** Statuses of the answers in what a client received. */
export function statusesOf(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}

export type Refusal = readonly [name: string, bytes: string, status: number, reason: string];

/** Each is refused: answered with problem details, closed, counted, logged, and nothing of it reaches the upstream. */
export function describeRefusals(title: string, rows: readonly Refusal[]): void {
  describe(title, () => {
    let wire: Wire;
    before(async () => {
      wire = await startWire();
      await wire.canary(); // An idle connection to the upstream is there for the taking.
    });
    after(() => wire.close());
    for (const [name, bytes, status, reason] of rows) {
      it(`${name}: ${status} ${reason}, nothing forwarded`, async () => {
        const counted = await wire.refusedCount(reason);
        const received = await wire.exchange(bytes);
        assert.deepEqual(statusesOf(received), [status], received);
        assert.match(received, /\r\nconnection: close\r\n/);
        assert.match(received, /\r\ncontent-type: application\/problem\+json\r\n/);
        const body = received.slice(received.indexOf('\r\n\r\n') + 4);
        if (!bytes.startsWith('HEAD ')) {
          const problem = JSON.parse(body);
          assert.deepEqual({ status: problem.status, code: problem.code }, { status, code: reason });
          const isIt = (line: Record<string, unknown>) =>
            line.msg === 'request refused' && line.requestId === problem.requestId;
          const line = await eventually(() => wire.gateway.log.find(isIt), 'the refusal in the log');
          assert.equal(line.reason, reason);
        } else assert.equal(body, '');
        assert.equal(await wire.refusedCount(reason), counted + 1);
        await wire.canary();
        assert.equal(wire.heard(), '');
      });
    }
  });
}
