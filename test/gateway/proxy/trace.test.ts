import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newTraceparent, traceIdOf } from '../../../gateway/proxy/trace.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('a traceparent', () => {
  it('names its trace when it is well-formed (Trace Context section 3.2)', () => {
    assert.equal(traceIdOf(['Traceparent', `00-${ID}-00f067aa0ba902b7-01`]), ID);
    assert.equal(traceIdOf(['traceparent', `cc-${ID}-00f067aa0ba902b7-01-what-comes-later`]), ID);
  });

  it('names none when it is not', () => {
    const wrong = [
      '',
      `ff-${ID}-00f067aa0ba902b7-01`,
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      `00-${ID}-${'0'.repeat(16)}-01`,
    ];
    wrong.push(`00-${ID.toUpperCase()}-00f067aa0ba902b7-01`, `00-${ID}-00f067aa0ba902b7`);
    for (const text of wrong) assert.equal(traceIdOf(['traceparent', text]), undefined, text);
    assert.equal(traceIdOf([]), undefined);
  });

  it('begun for a request is well-formed, and of the same trace for its copy', () => {
    const [first, second] = [newTraceparent('request-1'), newTraceparent('request-1')];
    assert.equal(traceIdOf(['traceparent', first]), traceIdOf(['traceparent', second]));
    assert.notEqual(first, second);
    assert.notEqual(traceIdOf(['traceparent', first]), traceIdOf(['traceparent', newTraceparent('request-2')]));
  });
});
