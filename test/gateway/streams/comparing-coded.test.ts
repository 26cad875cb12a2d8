// Event streams in a content coding are compared by what they say, whichever side is in which.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBrotliCompress, createDeflate, createGzip, createZstdCompress } from 'node:zlib';
import { isBrotliSafe } from '../../../gateway/mirror/decode.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { connectEvents, counted, found, type Pack, settled, startComparing, startEventsSide } from './compared.ts';

const kept = closingAfterEach();

const CODINGS: Readonly<Record<string, Pack>> = {
  gzip: createGzip,
  deflate: createDeflate,
  zstd: createZstdCompress,
  ...(isBrotliSafe(process.versions.node) ? { br: createBrotliCompress } : {}),
};
type Sent = Parameters<typeof startEventsSide>;
const PLAIN: Sent = [];

describe('an event stream in a coding', () => {
  for (const [coding, pack] of Object.entries(CODINGS)) {
    const coded: Sent = [{ 'content-encoding': coding }, pack];
    for (const [what, ofLegacy, ofNew] of [
      ['that serves', coded, PLAIN],
      ['of the other side', PLAIN, coded],
      ['of both', coded, coded],
    ] as const) {
      it(`${coding} ${what} is compared, and reaches the client as it came`, async () => {
        const [legacy, fresh] = [await kept(startEventsSide(...ofLegacy)), await kept(startEventsSide(...ofNew))];
        const gateway = await kept(startComparing({ legacy, new: fresh }));
        const client = await kept(connectEvents(gateway));
        const both = [await legacy.stream(), await fresh.stream()] as const;
        await settled(gateway, both);
        for (const each of both) each.send({ id: 'a', price: 1 });
        both[0].send({ id: 'b', price: 1 });
        both[1].send({ id: 'b', price: 2 });
        const streams = await found(gateway, ({ messages }) => messages.different === 1, 'both pairs');
        assert.deepEqual(counted(streams), { match: 2, different: 1 });
        assert.deepEqual(streams.differences, [{ path: '$.price', kind: 'changed', count: 1, critical: false }]);
        await eventually(() => client.state.text.includes('{"id":"b","price":1}'), 'the message at the client');
        assert.equal(client.headers.get('content-encoding'), ofLegacy === coded ? coding : null);
        both[0].end();
        await found(gateway, ({ ended }) => ended.client_stream === 1, 'the end');
      });
    }
  }
});
