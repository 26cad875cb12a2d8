import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Notice } from '../../../gateway/notify/notice.ts';
import { createTroubles } from '../../../gateway/notify/troubles.ts';

describe('what the gateway needs', () => {
  it('is told when it goes away and when it is back, once each, with how long it was', () => {
    const told: Notice[] = [];
    let nowMs = 0;
    const troubles = createTroubles(
      (notice) => void told.push(notice),
      () => new Date(nowMs),
    );
    const look = (problem: string | undefined, isOurs = true) =>
      troubles.look([
        {
          ...{ topic: 'flags', problem, isOurs },
          lost: { type: 'flags.lost', severity: 'warning', sentence: 'the flags may be stale' },
          back: { type: 'flags.back', sentence: 'the flags are read again' },
        },
      ]);
    look(undefined);
    for (const problem of ['no such file', 'not JSON']) look(problem);
    nowMs = 12_400;
    for (let i = 0; i < 2; i++) look(undefined);
    look('not JSON', false);
    look('not JSON'); // Whoever was to tell of it has.
    look(undefined, false);
    assert.deepEqual(
      told.map(({ type, severity, sentence, topic }) => [type, severity, sentence, topic]),
      [
        ['flags.lost', 'warning', 'the flags may be stale: no such file', 'flags'],
        ['flags.back', 'info', 'the flags are read again, after 12 s', 'flags'],
      ],
    );
    assert.deepEqual(told[1]?.data, { seconds: 12 });
  });
});
