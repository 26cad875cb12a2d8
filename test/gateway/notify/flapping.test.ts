import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { createFlapping } from '../../../gateway/notify/flapping.ts';
import type { Notice } from '../../../gateway/notify/notice.ts';

describe('what goes to and fro', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  const aNotice = (sentence: string, topic?: string): Notice => ({
    ...{ type: 'upstream.down', severity: 'critical', at: '2026-01-05T10:00:00.000Z', data: {}, sentence },
    ...(topic === undefined ? {} : { topic }),
  });
  function create() {
    const sent: Notice[] = [];
    const flapping = createFlapping((notice) => void sent.push(notice), 1_000);
    return { flapping, sent, sentences: () => sent.map(({ sentence }) => sentence) };
  }

  it('is told when it begins and ends, and then once a while, with what holds and the count of what was not told', () => {
    const { flapping, sent, sentences } = create();
    for (let i = 0; i < 3; i++) {
      flapping.take(aNotice(`down ${i}`, 'new'));
      flapping.take(aNotice(`up ${i}`, 'new'));
    }
    assert.deepEqual(sentences(), ['down 0', 'up 0']);
    mock.timers.tick(1_000);
    assert.deepEqual(sentences().slice(2), ['up 2 (it went to and fro: 3 notices before this one were not sent)']);
    assert.deepEqual(sent[2]?.data, { suppressed: 3 });
    flapping.take(aNotice('down 3', 'new'));
    flapping.take(aNotice('up 3', 'new'));
    assert.deepEqual(sentences().slice(3), ['down 3']);
    mock.timers.tick(1_000);
    assert.deepEqual(sentences().slice(4), ['up 3']);
    mock.timers.tick(1_000);
    assert.equal(sent.length, 5);
  });

  it('is of one topic; others are told, and so is what has no topic', () => {
    const { flapping, sent } = create();
    for (let i = 0; i < 5; i++) {
      flapping.take(aNotice('down', 'new'));
      flapping.take(aNotice('promoted'));
    }
    flapping.take(aNotice('down', 'legacy'));
    assert.equal(sent.length, 2 + 5 + 1);
  });

  it('is told at the end, so that nobody is left with what no longer holds', () => {
    const { flapping, sentences } = create();
    for (const sentence of ['down', 'up', 'down again']) flapping.take(aNotice(sentence, 'new'));
    flapping.close();
    assert.deepEqual(sentences(), ['down', 'up', 'down again']);
    mock.timers.tick(5_000);
    assert.equal(sentences().length, 3);
  });
});
