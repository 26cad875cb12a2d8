import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerAsks, createAskedRates } from '../../../gateway/cluster/asked-rates.ts';
import type { RateAsk } from '../../../gateway/cluster/messages.ts';
import { createRateLimiter } from '../../../gateway/http/rate-limit.ts';

const LIMIT = { requests: 3, perSeconds: 60 };
const fail = (operation: string, error: unknown) => assert.fail(`${operation}: ${error}`);

/** Workers whose primary counts; `isSilent` while it answers nothing. */
function workers(count: number, raised = fail as (operation: string, error: unknown) => void) {
  const rates = createRateLimiter(undefined, fail);
  const messages: (readonly RateAsk[])[] = [];
  const primary = { isSilent: false };
  const crew = Array.from({ length: count }, () => {
    const worker = createAskedRates({
      own: createRateLimiter(undefined, fail),
      raised,
      timeoutMs: 20,
      ask(asks) {
        messages.push(asks);
        if (!primary.isSilent) void answerAsks(rates, asks).then((answers) => worker.answered(answers));
      },
    });
    return worker;
  });
  return { crew, messages, primary };
}

describe('rate limits of several workers', () => {
  it('are counted together, exactly', async () => {
    const { crew } = workers(3);
    const asked = crew.flatMap((worker) => [1, 2].map(() => worker.consume(LIMIT, 'r', 'user')));
    const waits = await Promise.all(asked);
    assert.equal(waits.filter((waitMs) => waitMs === undefined).length, 3);
    assert.ok(waits.every((waitMs) => waitMs === undefined || (waitMs > 0 && waitMs <= 60_000)));
  });

  it('are asked for in one message a turn, and each request gets its own answer', async () => {
    const { crew, messages } = workers(1);
    const identities = Array.from({ length: 50 }, (_, i) => `user-${i % 10}`);
    const waits = await Promise.all(identities.map((identity) => crew[0]?.consume(LIMIT, 'r', identity)));
    assert.equal(messages.length, 1);
    // The first three of each.
    assert.deepEqual(
      waits.map((waitMs) => waitMs === undefined),
      identities.map((_, i) => i < 30),
    );
  });

  it('are counted by each worker alone while the primary does not answer, and that is told once', async () => {
    const raised: string[] = [];
    const { crew, primary } = workers(2, (operation) => raised.push(operation));
    primary.isSilent = true;
    for (const worker of crew) {
      const waits = [];
      for (let i = 0; i < 5; i++) waits.push(await worker.consume(LIMIT, 'r', 'user'));
      assert.equal(waits.filter((waitMs) => waitMs === undefined).length, 3);
    }
    assert.deepEqual(raised, ['rate-limit', 'rate-limit'], 'once by each');
    primary.isSilent = false;
    assert.equal(await crew[0]?.consume(LIMIT, 'r', 'another'), undefined);
  });
});
