import { connect, type Socket } from 'node:net';
import { within } from './deadline.ts';

/** One connection on which a test writes exact bytes and reads exact bytes. */
export interface RawClient {
  readonly socket: Socket;
  send(bytes: string): void;
  /** Everything received once it contains `mark`, as latin1. */
  until(mark: string): Promise<string>;
  /** Everything received until the peer closes, as latin1. */
  closed(): Promise<string>;
}

export async function connectRaw(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  let isClosed = false;
  let notify = () => {};
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    notify();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isClosed = true;
    notify();
  });
  const when = async (condition: () => boolean, label: string) => {
    const met = new Promise<void>((resolve) => {
      notify = () => {
        if (condition()) resolve();
      };
      notify();
    });
    await within(met, `${label}; received ${JSON.stringify(received)}`);
    return received;
  };
  await within(new Promise<void>((resolve) => socket.once('connect', () => resolve())), `a connection to port ${port}`);
  return {
    socket,
    send: (bytes) => void socket.write(bytes, 'latin1'),
    until: (mark) => when(() => received.includes(mark), `${JSON.stringify(mark)} on the wire`),
    closed: () => when(() => isClosed, 'the peer to close the connection'),
  };
}
