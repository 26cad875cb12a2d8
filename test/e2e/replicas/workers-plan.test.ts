// Plans, gates and guards where workers serve: what they report is what the plan goes by.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { sendJson } from '../../helpers/upstream.ts';
import { type Fleet, type Member, movesOf, ROUTE, startFleet } from './fleet.ts';

const GATES = 'gates: [parity, errors]';
const STEPS = [
  `{ stage: shadow, leastMs: 0, ${GATES} }`,
  `{ stage: canary, percent: 50, leastMs: 0, ${GATES} }`,
  '{ stage: live, leastMs: 0, gates: [manual] }',
  '{ stage: complete }',
];
const EXTRA = 'workers: 2\nidentity: ["header:x-user"]';

let fleet: Fleet;
let isNewBad = false;
afterEach(() => fleet.close());

/** So many requests of as many users. */
async function ask(member: Member, count: number): Promise<void> {
  for (let i = 0; i < count; i += 20) {
    const some = Array.from({ length: 20 }, async (_, j) => {
      const response = await fetch(`http://${member.server.listening.traffic}/a`, {
        headers: { 'x-user': `user-${i + j}` },
      });
      await response.text();
    });
    await Promise.all(some);
  }
}

describe('a plan with two workers', () => {
  it('waits for its gates, goes on by what both have served, and goes back when the new side fails', async () => {
    fleet = await startFleet({
      ledger: (folder) => `sqlite:${join(folder, 'gateway.db')}`,
      ...{
        steps: STEPS,
        extra: EXTRA,
        gates: '{ parity: { lowerBoundMin: 0.9, samplesMin: 50 }, errors: { increaseMax: 0.2, samplesMin: 20 } }',
      },
      answer: (side, outgoing) => sendJson(outgoing, isNewBad && side === 'new' ? 500 : 200, {}),
    });
    const member = await fleet.start();
    await member.plan('start');
    assert.equal(await member.at(), 'shadow 0 running', 'nothing was compared yet');
    const asking = (at: string) =>
      eventually(
        async () => {
          await ask(member, 40);
          return (await member.at()) === at;
        },
        at,
        30_000,
      );
    await asking('live 100 running');
    isNewBad = true;
    await asking('legacy 0 rolled_back');
    assert.deepEqual(await movesOf(member), ['plan 0/100', 'plan 50/100', 'plan 100/100', 'guard 0/100']);
    const { flips, gateways } = JSON.parse(await (await member.call('GET', '/api/status')).text());
    assert.deepEqual([flips.last, gateways.length, gateways[0].workers], [null, 1, 2]);
    const { stage } = JSON.parse(await (await member.call('GET', `/api/routes/${ROUTE}`)).text());
    assert.equal(stage, 'legacy');
  });
});
