// Requests through a real gateway's socket, and the same bytes straight to a server: nothing gets behind the gateway that
// a server would not have read out of them by itself.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { startTestGateway } from '../helpers/gateway.ts';
import { startUpstream } from '../helpers/upstream.ts';
import type { FuzzTarget } from './fuzz.ts';

/** A peer that has said nothing for so long waits for more. */
const SILENT_MS = 60;

interface Seen {
  readonly line: string;
  readonly names: readonly string[];
}

/** Sends bytes and nothing more; resolves with the answer when the peer has closed, or waits for more. */
function exchange(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setTimeout(SILENT_MS, () => socket.destroy());
    socket.on('data', (part) => {
      answer += part.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket.write(bytes);
  });
}

export async function openHttpTarget(): Promise<FuzzTarget> {
  let behind: Seen[] = [];
  let straight: Seen[] = [];
  const record = (into: () => Seen[]) => (incoming: IncomingMessage) => {
    const names = incoming.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
    into().push({ line: `${incoming.method} ${incoming.url}`, names });
  };
  const answering = (seen: (incoming: IncomingMessage) => void) =>
    startUpstream((incoming, outgoing) => {
      seen(incoming);
      incoming.resume();
      incoming.on('end', () => outgoing.end('ok'));
    });
  const upstream = await answering(record(() => behind));
  const server = await answering(record(() => straight));
  const gateway = await startTestGateway({
    ...{ legacy: upstream.url, new: upstream.url },
    overrides: { log: { level: 'silent' } },
  });

  return {
    name: 'http',
    everyNth: 50,
    seeds: [
      'GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-A: b\r\nConnection: close\r\n\r\n',
      'POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /next HTTP/1.1\r\nHost: h\r\n\r\n',
      'PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n',
      'GET http://other/abs HTTP/1.1\r\nHost: h\r\nX-Banyan-Shadow: forged\r\nConnection: close, x-a\r\nx-a: 1\r\n\r\n',
    ],
    tokens: [
      ...[
        '\r\n',
        '\n',
        '\r',
        '\r\n ',
        '\x00',
        'Content-Length: 3\r\n',
        'Content-Length: +3\r\n',
        'Transfer-Encoding: chunked\r\n',
      ],
      ...[
        'Transfer-Encoding: x\r\n',
        'x-banyan-shadow: 1\r\n',
        'Host: b\r\n',
        'Expect: 100-continue\r\n',
        'HTTP/1.0',
        '%0d%0a',
        '..',
      ],
    ],
    async run(input) {
      behind = [];
      straight = [];
      await Promise.all([exchange(gateway.port, input), exchange(server.port, input)]);
      const lines = (seen: readonly Seen[]) =>
        seen.map(({ line }) => line.replace(/ https?:\/\/[^/?#]*(?=[/?#]|$)/i, ' '));
      const [there, here] = [lines(straight), lines(behind)];
      for (const line of here)
        assert.ok(
          there.some((each) => each === line || each === line.replace(/ \//, ' ')),
          `${line} came out of nowhere: ${there}`,
        );
      assert.ok(here.length <= there.length, `${here.length} requests came of ${there.length}`);
      for (const { names } of behind) assert.ok(!names.includes('x-banyan-shadow'), 'a forged mark of a copy went on');
      const good = await fetch(`${gateway.url}/good`);
      assert.equal(`${good.status} ${await good.text()}`, '200 ok', 'it serves on');
    },
    async close() {
      await gateway.close();
      await upstream.close();
      await server.close();
    },
  };
}
