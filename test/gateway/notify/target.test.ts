// Delivery to one target, against real servers on loopback.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { NotifyTarget } from '../../../config/notify-targets.ts';
import type { Notice } from '../../../gateway/notify/notice.ts';
import { createPoster } from '../../../gateway/notify/post.ts';
import { createTarget, type TargetDeps } from '../../../gateway/notify/target.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { closedPort, startUpstream } from '../../helpers/upstream.ts';

const kept = closingAfterEach();
const KEYS = [Buffer.alloc(32, 7), Buffer.alloc(32, 8)];
const NOW_MS = Date.parse('2026-01-05T10:00:00.000Z');

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Keeps what it is sent; answers the statuses in turn, the last one again and again. */
async function startReceiver(...statuses: (number | ((outgoing: ServerResponse) => void))[]) {
  const received: Received[] = [];
  const server = await kept(
    startUpstream(async (incoming, outgoing) => {
      let body = '';
      for await (const chunk of incoming.setEncoding('utf8')) body += chunk;
      received.push({ headers: incoming.headers, body });
      const answer = statuses.length > 1 ? statuses.shift() : statuses[0];
      if (typeof answer === 'function') answer(outgoing);
      else outgoing.writeHead(answer ?? 200).end('a word');
    }),
  );
  return { received, url: `${server.url}/secret-path` };
}

async function open(url: string, change: Partial<TargetDeps> & { timeoutMs?: number } = {}) {
  const outcomes: string[] = [];
  const poster = await kept(createPoster(change.timeoutMs ?? 2_000));
  const config: NotifyTarget = {
    ...{ name: 'hook', kind: 'webhook', severity: 'info', events: undefined, routes: undefined, url, keys: KEYS },
  };
  const target = createTarget({
    target: config,
    teller: { environment: 'test', instance: 'host:1', publicUrl: undefined },
    post: poster.post,
    nowMs: () => NOW_MS,
    onOutcome: (outcome, why) => void outcomes.push(why === undefined ? outcome : `${outcome} ${why}`),
    retryMs: () => 1,
    ...change,
  });
  return { target, outcomes };
}

const aMessage = (id: string) => ({
  id,
  notice: {
    ...{ type: 'route.promoted', severity: 'info', at: '2026-01-05T10:00:00.000Z', route: 'a.route' },
    ...{ sentence: `promoted ${id}`, data: {} },
  } satisfies Notice,
});

describe('a target of notifications', () => {
  it('gets messages in their order, each signed by both keys over what was sent', async () => {
    const { received, url } = await startReceiver(204);
    const { target, outcomes } = await open(url);
    for (const id of ['m1', 'm2', 'm3']) target.take(aMessage(id));
    await eventually(() => received.length === 3, 'three messages');
    await eventually(() => target.state().sent === 3, 'their answers');
    assert.deepEqual(outcomes, ['sent', 'sent', 'sent']);
    received.forEach(({ headers, body }, index) => {
      assert.equal(JSON.parse(body).id, `m${index + 1}`);
      assert.equal(headers['content-type'], 'application/cloudevents+json; charset=utf-8');
      assert.equal(headers['webhook-id'], `m${index + 1}`);
      const signed = `m${index + 1}.${NOW_MS / 1_000}.${body}`;
      const expected = KEYS.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
      assert.equal(headers['webhook-signature'], expected.join(' '));
    });
  });

  it('gets a message again under the same id after 500, 429 and a cut connection, and is in no trouble after it was taken', async () => {
    const { received, url } = await startReceiver(500, 429, (outgoing) => outgoing.destroy(), 200);
    const { target, outcomes } = await open(url);
    target.take(aMessage('m1'));
    await eventually(() => target.state().sent === 1, 'the message to be taken');
    assert.deepEqual(
      received.map(({ headers }) => headers['webhook-id']),
      ['m1', 'm1', 'm1', 'm1'],
    );
    assert.deepEqual([outcomes, target.state().problem], [['sent'], undefined]);
  });

  it('that asks for a wait with Retry-After gets it', async (t) => {
    const { url } = await startReceiver((outgoing) => outgoing.writeHead(429, { 'retry-after': '7' }).end());
    const poster = await kept(createPoster(2_000));
    const first = await poster.post(url, '{}', {}, new AbortController().signal);
    assert.deepEqual(first, { kind: 'retry', problem: 'it answered 429', afterMs: 7_000 });
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const attempts = [first, { kind: 'taken', status: 200 } as const];
    const post = async () => attempts.shift() ?? assert.fail('a third attempt');
    const { target } = await open(url, { post });
    target.take(aMessage('m1'));
    const settle = async () => {
      for (let i = 0; i < 10; i++) await Promise.resolve();
    };
    await settle();
    t.mock.timers.tick(6_999);
    await settle();
    assert.deepEqual([attempts.length, target.state().waiting], [1, 1]);
    t.mock.timers.tick(1);
    await settle();
    assert.deepEqual([attempts.length, target.state().waiting], [0, 0]);
  });

  it('that refuses a message gets the next one; a redirect is a refusal, and is not followed', async () => {
    const elsewhere = await startReceiver(200);
    const redirect = (outgoing: ServerResponse) => outgoing.writeHead(307, { location: elsewhere.url }).end();
    const { received, url } = await startReceiver(400, redirect, 200);
    const { target, outcomes } = await open(url);
    for (const id of ['m1', 'm2', 'm3']) target.take(aMessage(id));
    await eventually(() => target.state().sent === 1, 'the third');
    assert.deepEqual(outcomes, ['failed refused', 'failed refused', 'sent']);
    assert.deepEqual([received.length, elsewhere.received.length], [3, 0]);
  });

  it('that answers 410 gets nothing more, and says so', async () => {
    const { received, url } = await startReceiver(410);
    const { target, outcomes } = await open(url);
    for (const id of ['m1', 'm2', 'm3']) target.take(aMessage(id));
    await eventually(() => target.state().dropped === 2, 'the others to be dropped');
    target.take(aMessage('m4'));
    assert.deepEqual(outcomes, ['failed gone', 'dropped gone', 'dropped gone', 'dropped gone']);
    assert.deepEqual([received.length, target.state().problem], [1, 'it answered 410: a word']);
  });

  it('that never takes a message has it given up after eight attempts', async () => {
    const { received, url } = await startReceiver(503);
    const { target, outcomes } = await open(url);
    target.take(aMessage('m1'));
    await eventually(() => target.state().failed === 1, 'the message to be given up');
    assert.deepEqual([received.length, outcomes], [8, ['failed gave_up']]);
  });

  it('that is not there or does not answer has a problem without its path, and loses the oldest when too many wait', async () => {
    const refused = await open(`http://127.0.0.1:${await closedPort()}/secret-path`, { retryMs: () => 60_000 });
    for (let i = 0; i < 210; i++) refused.target.take(aMessage(`m${i}`));
    await eventually(() => refused.target.state().problem, 'the problem');
    assert.deepEqual(
      [refused.target.state().problem, refused.target.state().waiting, refused.target.state().dropped],
      ['ECONNREFUSED', 200, 10],
    );
    const silent = await startReceiver(() => {});
    const slow = await open(silent.url, { timeoutMs: 50 });
    slow.target.take(aMessage('m1'));
    await eventually(() => slow.target.state().problem, 'the time limit');
    assert.equal(slow.target.state().problem, 'no answer within 50 ms');
    await slow.target.close(AbortSignal.timeout(1));
    await refused.target.close(AbortSignal.timeout(1));
  });

  it('that ends tries once more what waits, within its time', async () => {
    const { received, url } = await startReceiver(500, 200);
    const { target, outcomes } = await open(url, { retryMs: () => 60_000 });
    for (const id of ['m1', 'm2', 'm3']) target.take(aMessage(id));
    await eventually(() => target.state().problem, 'the first attempt');
    await within(target.close(AbortSignal.timeout(5_000)), 'the end');
    assert.deepEqual(outcomes, ['sent', 'sent', 'sent']);
    assert.equal(received.length, 4);
    target.take(aMessage('m4'));
    assert.equal(outcomes.at(-1), 'dropped stopped');
  });

  it('that hangs does not hold up the end for longer', async () => {
    const { url } = await startReceiver(() => {});
    const { target, outcomes } = await open(url, { timeoutMs: 60_000 });
    for (const id of ['m1', 'm2']) target.take(aMessage(id));
    await within(target.close(AbortSignal.timeout(50)), 'the end', 3_000);
    assert.deepEqual(outcomes, ['failed stopped', 'dropped stopped']);
  });
});
