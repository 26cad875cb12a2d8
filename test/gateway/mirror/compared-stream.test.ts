// One compared stream, by a clock of the test's own: whatever way two equal streams interleave, nothing is found; and what
// it does when there is no time or no room.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ComparedStream, type ComparedStreamDeps } from '../../../gateway/mirror/compared-stream.ts';
import { createComparer } from '../../../gateway/mirror/comparer.ts';
import { Unreadable } from '../../../gateway/mirror/socket-messages.ts';
import type { StreamFinding } from '../../../gateway/mirror/stream-counts.ts';
import { countStream, newStreamCounted } from '../../../gateway/mirror/stream-counts.ts';
import { concludeStreams } from '../../../gateway/mirror/stream-evidence.ts';
import { contentTypeOf } from '../../../gateway/mirror/stream-key.ts';
import type { Side } from '../../../gateway/routing/side.ts';
import { aCompareConfig } from '../../helpers/gateway-config.ts';

const WINDOW_MS = 1_000;

function fail(operation: string, error: unknown): never {
  throw new Error(operation, { cause: error });
}

/** A stream that legacy serves; both sides are open since 0, so what comes from WINDOW_MS on is held against the other. */
function stream(given: Partial<ComparedStreamDeps> = {}, isOtherOpen = true) {
  const counted = newStreamCounted();
  let nowMs = 0;
  let ends = 0;
  const compared = new ComparedStream({
    ...{ routeId: 'r', requestId: 'q', side: 'legacy' },
    limits: { key: ['$.id'], windowMs: WINDOW_MS, messagesMax: 1_000, durationMs: 60_000 },
    rules: () => aCompareConfig(),
    comparer: createComparer({ now: () => new Date(0), raised: fail, spend() {} }),
    budget: { allows: () => true, spend() {} },
    found: (finding: StreamFinding) => countStream(counted, finding),
    raised: fail,
    nowMs: () => nowMs,
    ended: () => ends++,
    ...given,
  });
  const open = (atMs: number) => {
    nowMs = atMs;
    compared.otherOpened();
  };
  if (isOtherOpen) open(0);
  const say = (side: Side, message: object, atMs: number) => {
    nowMs = atMs;
    const body = Buffer.from(JSON.stringify(message));
    compared.hear(side, () => [{ body, contentType: contentTypeOf(body), event: undefined, id: undefined }], atMs);
  };
  return {
    ...{ compared, open, say },
    end(atMs: number) {
      nowMs = atMs;
      compared.end('client_stream');
    },
    async evidence() {
      await new Promise((resolve) => setImmediate(resolve)); // Verdicts come in a later turn.
      return concludeStreams(counted, []);
    },
    get ends() {
      return ends;
    },
  };
}

describe('a compared stream', () => {
  test('of two equal sides finds nothing, however they interleave within the window and whenever it ends', async () => {
    const message = fc.record({ id: fc.nat(5), price: fc.constantFrom(1, 2), afterMs: fc.nat(300), lagMs: fc.nat() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 60 }),
        fc.nat(2_000),
        fc.nat(20_000),
        fc.boolean(),
        async (messages, openedMs, endsMs, isNewFirst) => {
          const { open, say, end, evidence } = stream({}, false);
          const [first, second]: readonly Side[] = isNewFirst ? ['new', 'legacy'] : ['legacy', 'new'];
          if (!first || !second) return;
          let firstMs = 0;
          let secondMs = 0;
          const steps = messages.flatMap(({ id, price, afterMs, lagMs }) => {
            firstMs += afterMs;
            // Each side keeps its own order, as a connection does.
            secondMs = Math.max(secondMs, firstMs + (lagMs % (WINDOW_MS + 1)));
            return [
              { side: first, message: { id, price }, atMs: firstMs },
              { side: second, message: { id, price }, atMs: secondMs },
            ];
          });
          let isOpen = false;
          for (const { side, message: said, atMs } of steps.toSorted((a, b) => a.atMs - b.atMs)) {
            if (atMs > endsMs) break;
            if (atMs >= openedMs && !isOpen) open(openedMs);
            isOpen ||= atMs >= openedMs;
            // What the other side said before it was open, nobody has heard.
            if (isOpen || side === 'legacy') say(side, said, atMs);
          }
          end(Math.max(endsMs, 0));
          const { messages: counts } = await evidence();
          assert.deepEqual([counts.missing, counts.extra, counts.late], [0, 0, 0]);
          assert.deepEqual([counts.different, counts.reordered], [0, 0]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('counts each message in exactly one outcome', async () => {
    const step = fc.record({ side: fc.constantFrom<Side>('legacy', 'new'), id: fc.nat(4), price: fc.nat(1) });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(2_000)), { maxLength: 50 }), async (steps) => {
        const { say, end, evidence } = stream();
        let atMs = 0;
        for (const [{ side, ...message }, afterMs] of steps) {
          atMs += afterMs;
          say(side, message, atMs);
        }
        end(atMs);
        const { match, ignored, different, dropped, missing, extra, unsettled } = (await evidence()).messages;
        assert.equal(2 * (match + ignored + different + dropped) + missing + extra + unsettled, steps.length);
      }),
    );
  });

  test('ends when more messages wait for their counterparts than may, and calls none of them missing', async () => {
    const flooded = stream({ limits: { key: ['$.id'], windowMs: WINDOW_MS, messagesMax: 1e6, durationMs: 60_000 } });
    for (let id = 0; id < 3_000; id++) flooded.say('new', { id }, WINDOW_MS + 1);
    const { ended, messages } = await flooded.evidence();
    assert.deepEqual(ended, { waiting: 1 });
    assert.deepEqual([messages.extra, messages.unsettled], [0, 2_001]);
    assert.equal(flooded.ends, 1);
  });

  test('ends when comparing has used up its time, and counts what it took', async () => {
    const spent: number[] = [];
    let allowed = 2;
    const budget = { allows: () => allowed-- > 0, spend: (ms: number) => spent.push(ms) };
    const { say, evidence } = stream({ budget });
    for (const id of [1, 2, 3]) say('legacy', { id }, id);
    assert.deepEqual((await evidence()).ended, { compare_budget: 1 });
    assert.equal(spent.length, 3); // Two messages, and the end.
  });

  test('drops pairs that differ while as many as may are under comparison', async () => {
    const verdicts: (() => void)[] = [];
    const judge = () =>
      new Promise<{ outcome: 'match'; differences: []; detail: undefined }>((resolve) =>
        verdicts.push(() => resolve({ outcome: 'match', differences: [], detail: undefined })),
      );
    const { say, evidence } = stream({ comparer: { judge } });
    for (let id = 0; id < 150; id++) for (const side of ['legacy', 'new'] as const) say(side, { id, side }, 2_000);
    assert.deepEqual((await evidence()).dropped, { compare_queue: 50 });
    for (const settle of verdicts) settle();
    assert.equal((await evidence()).messages.match, 100);
  });

  test('does not count against a side what came after the other had ended', async () => {
    const { compared, say, end, evidence } = stream();
    say('legacy', { id: 1 }, 5_000);
    say('new', { id: 2 }, 5_000);
    say('new', { id: 3 }, 6_000);
    compared.otherClosed();
    say('legacy', { id: 3 }, 6_500);
    say('legacy', { id: 4 }, 6_600);
    end(7_100);
    const { messages } = await evidence();
    assert.deepEqual([messages.match, messages.missing, messages.extra, messages.unsettled], [1, 0, 0, 3]);
  });

  test('that cannot be read ends, once', async () => {
    const { compared, end, evidence } = stream();
    const unreadable = () => {
      throw new Unreadable('test');
    };
    compared.hear('new', unreadable, 1);
    compared.hear('new', unreadable, 2);
    end(3);
    assert.deepEqual((await evidence()).ended, { unreadable: 1 });
  });
});
