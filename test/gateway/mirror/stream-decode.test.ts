import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { constants, createGzip, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { createStreamDecoder } from '../../../gateway/mirror/stream-decode.ts';
import { eventually } from '../../helpers/deadline.ts';

function decoding(contentEncoding: string | undefined) {
  const heard: [text: string, atMs: number][] = [];
  const said: string[] = [];
  const decoder = createStreamDecoder(contentEncoding, {
    data: (chunk, atMs) => heard.push([chunk.toString(), atMs]),
    broken: () => said.push('broken'),
    behind: () => said.push('behind'),
  });
  assert.ok(decoder);
  const all = () => new Promise<void>((resolve) => decoder.end(resolve));
  return { decoder, heard, said, all };
}

describe('a stream that is unpacked as it comes', () => {
  test('in no coding, then as it came, at once', () => {
    const { decoder, heard } = decoding(undefined);
    decoder.push(Buffer.from('a'), 1);
    assert.deepEqual(heard, [['a', 1]]);
  });

  test('each part is known by the time at which it came, and the end is told when all is unpacked', async () => {
    const packer = createGzip({ flush: constants.Z_SYNC_FLUSH });
    const { decoder, heard, all } = decoding('gzip');
    for (const [index, text] of ['a', 'b', 'c'].entries()) {
      const packed = await new Promise<Buffer>((resolve) => {
        const parts: Buffer[] = [];
        packer.on('data', (part: Buffer) => parts.push(part));
        packer.write(text, () => setImmediate(() => resolve(Buffer.concat(parts))));
      });
      packer.removeAllListeners('data');
      decoder.push(packed, index);
    }
    await all();
    assert.deepEqual(heard, [
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
  });

  test('several codings are undone in turn', async () => {
    const { decoder, heard, all } = decoding('deflate, gzip, zstd');
    decoder.push(zstdCompressSync(gzipSync(deflateSync('abc'))), 7);
    await all();
    assert.deepEqual(heard, [['abc', 7]]);
  });

  test('a coding that nobody knows, then there is no decoder', () => {
    const to = { data() {}, broken() {}, behind() {} };
    assert.equal(createStreamDecoder('gzip, x', to), undefined);
  });

  test('not in its coding, then that is told once, and nothing more is heard', async () => {
    const { decoder, heard, said } = decoding('gzip');
    for (let i = 0; i < 3; i++) decoder.push(Buffer.from('data: {}'), i);
    await eventually(() => said.length > 0, 'the break');
    decoder.push(gzipSync('a'), 9);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([said, heard], [['broken'], []]);
  });

  test('more waits than may, then that is told, and it is forgotten', () => {
    const { decoder, said } = decoding('gzip');
    for (let i = 0; i < 3; i++) decoder.push(Buffer.alloc(524_288), i);
    assert.deepEqual(said, ['behind']);
  });

  test('closed, then nobody is called any more', async () => {
    const { decoder, heard, said } = decoding('gzip');
    decoder.push(gzipSync('a'), 1);
    decoder.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([said, heard], [[], []]);
  });
});
