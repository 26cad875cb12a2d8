// docs/logs.md against lines that were really logged.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { createMemoryStore } from '../../backend/store/memory.ts';
import { type Store, StoreUnavailable } from '../../backend/store/store.ts';
import { createLogger } from '../../config/log.ts';
import { START_MS, testBackend } from '../helpers/backend.ts';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { closedPort, sendJson, startUpstream } from '../helpers/upstream.ts';

const kept = closingAfterEach();
const TYPES = ['string', 'number', 'object'] as const;

interface Field {
  readonly name: string;
  /** Undefined where the table says "as above". */
  readonly type: string | undefined;
  readonly isOptional: boolean;
}

/** The fields in the table below each heading. */
const sections = new Map(
  readFileSync(join(import.meta.dirname, '../../docs/logs.md'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), fieldsIn(section)] as const),
);

function fieldsIn(section: string): Field[] {
  return [...section.matchAll(/^\| (`[^|]+) \|([^|]*)\|/gm)].flatMap(([, names = '', types = '']) =>
    [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({
      name,
      type: TYPES.find((type) => types.includes(type)),
      isOptional: types.includes('optional'),
    })),
  );
}

/** Every field of the line is described, of the type that it has; and every described one is there, unless it is optional. */
function assertDescribed(line: Record<string, unknown>, heading: string): void {
  const fields = [...(sections.get('Every line') ?? []), ...(sections.get(heading) ?? [])];
  assert.ok(sections.has(heading), heading);
  const described = new Map(fields.map((field) => [field.name, field]));
  for (const [name, value] of Object.entries(line)) {
    const field = described.get(name);
    assert.ok(field, `${heading} does not describe ${name}: ${JSON.stringify(line)}`);
    if (field.type) assert.equal(typeof value, field.type, name);
  }
  const missing = fields.filter(({ name, isOptional }) => !isOptional && !(name in line));
  assert.deepEqual(missing, [], `${heading}: ${JSON.stringify(line)}`);
}

const lineOf = (log: readonly Record<string, unknown>[], msg: string) =>
  eventually(() => log.find((line) => line.msg === msg), `a line "${msg}"`);

describe('the documented lines of the gateway', () => {
  it('are those of requests, with and without a failure', async () => {
    const legacy = await kept(startUpstream((_, outgoing) => sendJson(outgoing, 200, {})));
    const dead = { ...routeOn('/dead'), id: 'dead', initialStage: 'live' };
    const routes = [routeOn('/a'), dead];
    const gateway = await kept(
      startTestGateway({ legacy: legacy.url, new: `http://127.0.0.1:${await closedPort()}`, routes }),
    );
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    await (await fetch(`${gateway.url}/a?secret=1`, { headers: { traceparent } })).text();
    await (await fetch(`${gateway.url}/dead`)).text();
    await eventually(() => gateway.log.filter(({ msg }) => msg === 'request').length === 2, 'both lines');
    const lines = gateway.log.filter(({ msg }) => msg === 'request');
    for (const line of lines) assertDescribed(line, 'The gateway: `request`');
    const seen = new Set(lines.flatMap((line) => Object.keys(line)));
    const never = (sections.get('The gateway: `request`') ?? []).filter(({ name }) => !seen.has(name));
    assert.deepEqual(never, [], 'fields that neither line has');
  });

  it('are those of WebSockets', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    await kept(server);
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const legacy = `http://127.0.0.1:${port}`;
    const gateway = await kept(startTestGateway({ legacy, new: legacy, routes: [routeOn('/ws')] }));
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`);
    await within(once(socket, 'open'), 'the WebSocket to open');
    socket.close();
    assertDescribed(await lineOf(gateway.log, 'upgrade'), 'The gateway: `upgrade`');
    assertDescribed(await lineOf(gateway.log, 'stream closed'), 'The gateway: `stream closed`');
  });

  it('are those of what it refuses', async () => {
    const gateway = await kept(startTestGateway({ legacy: 'http://127.0.0.1:1', new: 'http://127.0.0.1:1' }));
    const client = await connectRaw(gateway.port);
    client.send('this is no request\r\n\r\n');
    await client.closed();
    assertDescribed(await lineOf(gateway.log, 'request refused'), 'The gateway: `request refused`');
  });
});

describe('the documented lines of the backend', () => {
  it('are those of a request that failed and of a dry run that was refused', async () => {
    const lines: Record<string, unknown>[] = [];
    const stream = { write: (text: string) => void lines.push(JSON.parse(text)) };
    const log = createLogger({ name: 'backend', level: 'info', stream });
    const store: Store = {
      ...createMemoryStore(() => START_MS),
      getOrder: () => Promise.reject(new StoreUnavailable('away')),
    };
    const { call } = testBackend({ log, store });
    assert.equal((await call('GET', '/api/trade/order/u/o?secret=1')).status, 500);
    assertDescribed(await lineOf(lines, 'a request failed'), 'The backend: `a request failed`');
    await call('POST', '/api/trade/order', {}, { 'x-banyan-shadow': 'forged' });
    assertDescribed(await lineOf(lines, 'a dry run was refused'), 'The backend: `a dry run was refused`');
  });
});
