// Gateways that lose each other, their ledger or their life in the middle of a move: the plan goes on, each step is made
// once, and who no longer leads moves nothing.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { eventually, within } from '../../helpers/deadline.ts';
import { type RedisServer, startRedis } from '../../helpers/redis.ts';
import { startTcpCut } from '../../helpers/tcp-cut.ts';
import { type Fleet, type Member, movesOf, ROUTE, startFleet } from './fleet.ts';

const WALK = ['shadow', 'canary, percent: 10', 'canary, percent: 50', 'live', 'complete'];
const STEPS = WALK.map((step) => `{ stage: ${step}, leastMs: 0 }`);
const MOVES = ['plan 0/100', 'plan 10/100', 'plan 50/100', 'plan 100/100', 'plan 100/0'];
/** Each moment of a move, at a step of its own; the first intent is the operator's. */
const MOMENTS = [
  'before recordMove 1',
  'after recordMove 1',
  'before put 1',
  'after put 1',
  'before put 2',
  'after put 2',
];
const faultAt = (signal: string, moment: string) => `${signal} ${moment}`;

let redis: RedisServer;
let fleet: Fleet;
before(async () => {
  redis = await startRedis();
});
after(() => redis.close());
beforeEach(async () => {
  const client = new Redis(redis.url);
  await client.flushdb();
  client.disconnect();
});
afterEach(() => fleet.close());

/** The lease may end while the next one starts, which is dead then before it listens. */
function killedAtOnce(error: Error): undefined {
  if (!error.message.includes('SIGKILL')) throw error;
}

const completed = (member: Member) =>
  eventually(async () => (await member.at()) === 'complete 100 completed', 'the plan to be completed', 20_000);

describe('a plan whose gateway is killed with -9 at every moment of its moves', () => {
  it('goes on after each restart, and every step is made and audited once', async () => {
    fleet = await startFleet({ ledger: (folder) => `sqlite:${join(folder, 'gateway.db')}`, steps: STEPS });
    for (const [index, moment] of MOMENTS.entries()) {
      const member = await fleet.start(faultAt('SIGKILL', moment)).catch(killedAtOnce);
      if (index === 0) await member?.plan('start').catch(() => {});
      if (member) await within(member.server.exited, `the death ${moment}`);
    }
    const last = await fleet.start();
    await completed(last);
    assert.deepEqual(await movesOf(last), MOVES);
  });

  it('goes on where another takes over, and every step is made and audited once', async () => {
    fleet = await startFleet({ ledger: () => redis.url, steps: STEPS });
    let member: Member | undefined = await fleet.start(faultAt('SIGKILL', MOMENTS[0] ?? ''));
    for (const [index, moment] of MOMENTS.slice(1).entries()) {
      const next = await fleet.start(faultAt('SIGKILL', moment)).catch(killedAtOnce);
      if (index === 0) await member?.plan('start').catch(() => {});
      if (member) await within(member.server.exited, 'the death of the one that leads');
      member = next;
    }
    const last = await fleet.start();
    if (member) await within(member.server.exited, 'the death of the one that leads');
    await completed(last);
    assert.deepEqual(await movesOf(last), MOVES);
  });
});

describe('gateways that share flags and a ledger', () => {
  it('record once what somebody moves in the flag source, and what one of them moves never as that', async () => {
    fleet = await startFleet({ ledger: () => redis.url, steps: STEPS });
    const members = [await fleet.start(), await fleet.start(), await fleet.start()];
    const [first] = members;
    assert.ok(first);
    const seen = (percent: number) =>
      eventually(async () => {
        const all = await Promise.all(members.map((member) => member.at()));
        return all.every((at) => at.split(' ')[1] === String(percent));
      }, `all to see ${percent} %`);
    const move = await first.call('PUT', `/api/routes/${ROUTE}/stage`, {
      stage: 'canary',
      percent: 20,
      reason: 'test',
    });
    assert.equal(move.status, 200);
    await seen(20);
    const file = join(fleet.folder, 'flags.json');
    for (const percent of [30, 20, 30]) {
      writeFileSync(file, readFileSync(file, 'utf8').replace(/"rollout": "(20|30)"/, `"rollout": "${percent}"`));
      await seen(percent);
    }
    const expected = ['api 20/100', 'flags 30/100', 'flags 20/100', 'flags 30/100'];
    await eventually(async () => (await movesOf(first)).length >= expected.length, 'the entries');
    await delay(300); // A second entry would come from another, at most so much later.
    assert.deepEqual(await movesOf(first), expected);
  });
});

describe('a gateway that led, and sleeps while another takes over', () => {
  const BY_HAND = WALK.map((step) => `{ stage: ${step}, leastMs: 0${step === 'complete' ? '' : ', gates: [manual]'} }`);

  for (const moment of ['before put 2', 'after put 2', 'before recordMove 2', 'after recordMove 2']) {
    it(`moves nothing when it wakes: it slept ${moment}`, async () => {
      // The first moves without asking; what it sleeps in is the move to 10 %.
      const steps = [`{ stage: shadow, leastMs: 0 }`, ...BY_HAND.slice(1)];
      fleet = await startFleet({ ledger: () => redis.url, steps });
      const sleeper = await fleet.start(faultAt('SIGSTOP', moment));
      const other = await fleet.start();
      void sleeper.plan('start').catch(() => {});
      await eventually(async () => (await other.at()) === 'canary 10 running', 'the other to take over', 20_000);
      await other.plan('abort');
      await eventually(async () => (await other.at()) === 'legacy 0 aborted', 'the end of the plan');
      const file = join(fleet.folder, 'flags.json');
      const flags = readFileSync(file, 'utf8');
      sleeper.server.kill('SIGCONT');
      await eventually(async () => (await sleeper.at()) === 'legacy 0 aborted', 'the sleeper to see it');
      await delay(500); // Five looks of its own.
      assert.equal(readFileSync(file, 'utf8'), flags);
      assert.equal(await sleeper.at(), 'legacy 0 aborted');
      assert.deepEqual(await movesOf(other), ['plan 0/100', 'plan 10/100', 'plan 0/0']);
    });
  }

  it('moves nothing while its wire to the ledger is cut, nor when it is mended', async () => {
    const wire = await startTcpCut(Number(new URL(redis.url).port));
    try {
      fleet = await startFleet({ ledger: () => redis.url, steps: BY_HAND });
      const cut = await fleet.start('', `redis://127.0.0.1:${wire.port}`);
      const other = await fleet.start();
      await cut.plan('start');
      await cut.plan('promote');
      await eventually(async () => (await other.at()) === 'canary 10 running', 'the other to follow');
      wire.cut();
      const late = cut.plan('promote').catch((error: Error) => error.message);
      await eventually(
        async () => (await other.plan('promote').catch(() => false)) !== false,
        'another to lead',
        15_000,
      );
      await eventually(async () => (await other.at()) === 'canary 50 running', 'the step');
      assert.match(String(await late), /cannot|timed out/);
      assert.equal(await cut.at().then((at) => at.split(' ')[1]), '50', 'flags are followed without the ledger');
      await other.plan('abort');
      await eventually(async () => (await other.at()) === 'legacy 0 aborted', 'the end of the plan');
      wire.mend();
      await eventually(async () => (await cut.at()) === 'legacy 0 aborted', 'the ledger to be back', 15_000);
      await delay(500);
      assert.equal(await other.at(), 'legacy 0 aborted');
      assert.deepEqual(await movesOf(other), ['plan 0/100', 'plan 10/100', 'plan 50/100', 'plan 0/0']);
    } finally {
      await wire.close();
    }
  });
});
