// What holds for all workers together: limits, traces, certificates, and what a flip does to open streams.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestTls } from 'node:https';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { closingAfterEach } from '../../helpers/closing.ts';
import { startCollector } from '../../helpers/collector.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { startRawServer, startUpstream } from '../../helpers/upstream.ts';
import { startWebSocketEcho } from '../streams/websocket-echo.ts';
import { ask, askFresh, keptAlive, startSides, startWorkers, type WorkersGateway } from './start-workers.ts';

const kept = closingAfterEach();
const WORKERS = 2;

/** Waits until each worker has answered something, asking by `ask` all the while. */
async function untilAllServe({ instances }: WorkersGateway, ask: () => Promise<unknown>): Promise<void> {
  await eventually(async () => {
    await ask();
    return (await instances()).every(({ requests }) => requests > 0);
  }, 'every worker to have its share');
}

describe('a rate limit counted in memory', () => {
  it('holds for all workers together, whichever of them an identity’s requests come to', async () => {
    const sides = await kept(startSides());
    const rateLimit = { requests: 40, perSeconds: 3_600 };
    const routes = [
      { id: 'limited', match: { methods: ['*'], path: '/limited' }, rateLimit },
      { id: 'free', match: { methods: ['*'], path: '/free' } },
    ];
    const gateway = await kept(startWorkers({ workers: WORKERS, sides, routes }));
    await untilAllServe(gateway, () => askFresh(gateway.url, '/free', 20));
    const answers = await askFresh(gateway.url, '/limited', 120);
    const count = (status: number) => answers.filter((answer) => answer.status === status).length;
    assert.deepEqual([count(200), count(429)], [rateLimit.requests, 120 - rateLimit.requests]);
    assert.equal(await gateway.metric('banyan_internal_errors_total'), 0);
  });
});

describe('a breaker', () => {
  it('that is open in one worker is shown as that, in the metrics and to operators', async () => {
    const sides = await kept(startSides());
    const dead = await kept(startRawServer((socket) => socket.once('data', () => socket.destroy())));
    const routes = [
      {
        ...{ id: 'either', initialStage: 'complete', match: { methods: ['*'], path: '/either' } },
        ...{ fallback: true, retry: 'never' },
      },
    ];
    const between = { legacy: sides.legacy, new: dead };
    const gateway = await kept(startWorkers({ workers: WORKERS, sides: between, routes }));
    const agent = keptAlive(1); // One connection, thus one worker.
    for (let i = 0; i < 8; i++) assert.equal((await ask(gateway.url, '/either', agent)).by, 'legacy');
    agent.destroy();
    const open = () => gateway.metric('banyan_breaker_open', 'route="either"', 'side="new"');
    await eventually(async () => (await open()) === 1, 'the breaker in the metrics');
    // The worker's next report brings it to the API.
    const body = await eventually(async () => {
      const { body: view } = await gateway.api('GET', '/api/routes/either');
      return view.openBreakers.new > 0 && view;
    }, 'the breaker in the API');
    assert.deepEqual(body.openBreakers, { legacy: 0, new: 1 });
    assert.ok(
      body.attention.some(({ sentence }) => sentence === '1 of 2 processes leave new alone, because it keeps failing'),
      JSON.stringify(body.attention),
    );
  });
});

describe('tracing', () => {
  it('is done by every worker, each under its own process id, and what is left is exported when they stop', async () => {
    const sides = await kept(startSides());
    const collector = await kept(startCollector());
    const overrides = { tracing: { endpoint: collector.url } };
    const gateway = await kept(startWorkers({ workers: WORKERS, sides, routes: [], overrides }));
    const pids = (await gateway.instances()).map(({ pid }) => pid);
    let asked = 0;
    await untilAllServe(gateway, () => {
      asked += 20;
      return askFresh(gateway.url, '/x', 20);
    });
    await gateway.stop();
    assert.deepEqual(collector.problems, []);
    assert.equal(collector.spans.filter(({ kind }) => kind === 'server').length, asked);
    assert.equal(collector.spans.filter(({ kind }) => kind === 'client').length, asked);
    const from = new Set(collector.resources.map((resource) => resource['process.pid']));
    assert.deepEqual(from, new Set(pids));
  });
});

describe('TLS', () => {
  it('is terminated by every worker, with HTTP/1.1 and HTTP/2', async () => {
    const fixture = (name: string) => join(import.meta.dirname, '..', '..', 'fixtures', 'tls', `one.${name}.pem`);
    const [cert, key] = [fixture('cert'), fixture('key')];
    const sides = await kept(startSides());
    const gateway = await kept(
      startWorkers({ workers: WORKERS, sides, routes: [], overrides: { tls: { cert, key } } }),
    );
    const ca = readFileSync(cert);
    const url = gateway.url.replace('http:', 'https:');
    const byHttp1 = async () => {
      const outgoing = requestTls(`${url}/one`, { ca, agent: false }).end();
      const [incoming] = await within(once(outgoing, 'response'), 'the answer by HTTP/1.1');
      incoming.resume();
      return incoming.statusCode;
    };
    const byHttp2 = async () => {
      const session = connectHttp2(url, { ca });
      const stream = session.request({ ':path': '/two' });
      const [headers] = await within(once(stream, 'response'), 'the answer by HTTP/2');
      session.destroy();
      return headers[':status'];
    };
    const statuses = new Set<unknown>();
    await untilAllServe(gateway, async () => {
      for (let i = 0; i < 10; i++) statuses.add(await byHttp1()).add(await byHttp2());
    });
    assert.deepEqual(statuses, new Set([200]));
  });
});

describe('a flip of a route that drains its streams', () => {
  const STREAMS = 12;
  const routes = [
    {
      ...{ id: 'live', match: { methods: ['*'], path: '/live/*' } },
      streams: { onFlip: 'drain', drainMs: 5_000, jitterMs: 0 },
    },
  ];
  const move = (gateway: WorkersGateway, stage: string) =>
    gateway.api('PUT', '/api/routes/live/stage', { stage, reason: 'test' });
  const streamsOf = async (gateway: WorkersGateway) => (await gateway.api('GET', '/api/routes/live')).body.streams;

  it('closes the WebSockets of all workers as it should, and they come back on the other side', async () => {
    const sides = {
      legacy: await kept(startWebSocketEcho('legacy')),
      new: await kept(startWebSocketEcho('new')),
    };
    const gateway = await kept(startWorkers({ workers: WORKERS, sides, routes }));
    const url = `${gateway.url.replace('http', 'ws')}/live/x`;
    const open = async () => {
      const socket = new WebSocket(url);
      await within(once(socket, 'open'), 'the WebSocket to open');
      return socket;
    };
    const sockets = await Promise.all(Array.from({ length: STREAMS }, open));
    await kept({ close: () => sockets.forEach((socket) => void socket.terminate()) });
    await eventually(async () => (await streamsOf(gateway)).legacy === STREAMS, 'the streams to be counted');
    const closed = sockets.map((socket) => once(socket, 'close'));
    await move(gateway, 'live');
    const codes = (await within(Promise.all(closed), 'all streams to be closed')).map(([code]) => code);
    assert.deepEqual(new Set(codes), new Set([1012]));
    const again = await open();
    const answered = once(again, 'message');
    again.send('hello');
    assert.equal(String((await within(answered, 'an answer'))[0]), 'new: hello');
    again.terminate();
    await eventually(async () => {
      const { legacy, oldSide } = await streamsOf(gateway);
      return legacy === 0 && oldSide === 0;
    }, 'no stream on the old side');
  });

  it('ends the event streams of all workers between two events', async () => {
    const startEvents = () =>
      startUpstream((_, outgoing) => {
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        outgoing.write('data: one\n\n');
      });
    const sides = { legacy: await kept(startEvents()), new: await kept(startEvents()) };
    const gateway = await kept(startWorkers({ workers: WORKERS, sides, routes }));
    const follow = async () => {
      const outgoing = get(`${gateway.url}/live/events`, { agent: false, headers: { accept: 'text/event-stream' } });
      const [incoming] = await within(once(outgoing, 'response'), 'the event stream');
      let text = '';
      incoming.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      const ended = once(incoming, 'end');
      return { ended, text: () => text };
    };
    const followers = await Promise.all(Array.from({ length: STREAMS }, follow));
    await eventually(async () => (await streamsOf(gateway)).legacy === STREAMS, 'the streams to be counted');
    await move(gateway, 'live');
    await within(Promise.all(followers.map(({ ended }) => ended)), 'all streams to end');
    for (const { text } of followers) assert.equal(text(), 'data: one\n\n');
    await eventually(async () => (await streamsOf(gateway)).legacy === 0, 'no stream on the old side');
  });
});
