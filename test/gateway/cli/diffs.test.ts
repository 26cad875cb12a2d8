import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diffsText } from '../../../gateway/cli/render-diffs.ts';
import { forPeople } from '../../../gateway/cli/table.ts';

const COMPARISONS = {
  ...{ eligible: 0, coverage: null, parity: null, parityLowerBound: null, outcomes: {}, differences: [] },
};

describe('what banyan diffs prints', () => {
  it('has nothing of streams where none was to be compared', () => {
    assert.doesNotMatch(forPeople(diffsText([{ id: 'a', comparisons: COMPARISONS }], false)), /STREAMS/);
  });

  it('has what comparing streams has found, ruled differences only when asked for', () => {
    const streams = {
      ...{ begun: 3, coverage: 1, parity: 0.75, parityLowerBound: 0.5 },
      ended: { client_stream: 2 },
      refused: { streams_max: 1 },
      messages: { match: 5, different: 1, missing: 0 },
      lagMs: { p50: -1.5, p95: 20, p99: 30 },
      differences: [
        { path: '$.price', kind: 'changed', count: 1, critical: true },
        { path: '$.at', kind: 'changed', count: 4, critical: false, rule: '$.at' },
      ],
    };
    const found = [{ id: 'feed', comparisons: { ...COMPARISONS, streams } }];
    const brief = forPeople(diffsText(found, false));
    assert.match(brief, /^feed +\$\.price +changed +1 +critical/m);
    assert.doesNotMatch(brief, /\$\.at/);
    assert.match(
      brief,
      /^feed +3 +100\.0 % +75\.00 % +50\.00 % +-1\.5 \/ 20 \/ 30 +match 5, different 1 +client_stream 2 +streams_max 1/m,
    );
    assert.match(forPeople(diffsText(found, true)), /^feed +\$\.at +changed +4 +ignored by \$\.at/m);
  });
});
