// The load on streams: opens so many, and then counts what comes in a time. In two steps, so that whoever measures the proxy
// can look at it in between, when all are open and nothing was measured yet.
import { connect, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { CLIENT_FRAME, EVENT_MARK, SERVER_FRAME, type StreamKind, streamRequest } from '../stream-workload.ts';
import type { LoadResult } from './load.ts';

export interface StreamSpec {
  /** `host:port` of what is measured. */
  readonly target: string;
  readonly kind: StreamKind;
  readonly streams: number;
  readonly seconds: number;
}

/** So many are being opened at a time: a listener's backlog is short. */
const OPENING_MAX = 64;
const OPEN_MS = 30_000;
const LATENCY_US_MAX = 60_000_000;
const HEAD_END = Buffer.from('\r\n\r\n');
/** What a feed is compared with, from any place in a frame on. */
const PATTERN = Buffer.concat(Array.from({ length: 1_024 }, () => SERVER_FRAME));

export interface OpenLoad {
  /** Lets messages pass for the time given; `requests` are messages. To be called once. */
  measure(): Promise<LoadResult>;
}

/** @throws when one of them is not opened. */
export async function openStreams(spec: StreamSpec): Promise<OpenLoad> {
  const counter = createCounter();
  const sockets: Socket[] = [];
  const lanes = Array.from({ length: Math.min(OPENING_MAX, spec.streams) }, async (_, lane) => {
    for (let n = lane; n < spec.streams; n += OPENING_MAX) sockets.push(await openOne(spec, counter));
  });
  await Promise.all(lanes);
  return {
    async measure() {
      counter.begin();
      const startedAt = performance.now();
      if (spec.kind === 'echo' || spec.kind === 'feed') for (const socket of sockets) counter.ask(socket);
      await new Promise((resolve) => setTimeout(resolve, spec.seconds * 1_000));
      return counter.end((performance.now() - startedAt) / 1_000);
    },
  };
}

function openOne({ target, kind }: StreamSpec, counter: Counter): Promise<Socket> {
  const [host = '', port = ''] = target.split(':');
  const socket = connect({ host, port: Number(port), noDelay: true });
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const failed = setTimeout(() => reject(new Error(`a stream of ${target} was not opened in time`)), OPEN_MS);
    const onHead = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(HEAD_END);
      if (end < 0) return;
      clearTimeout(failed);
      socket.removeListener('data', onHead);
      const status = head.toString('latin1', 9, 12);
      if (status !== (kind === 'events' ? '200' : '101')) reject(new Error(`${target} answered ${status} to ${kind}`));
      counter.watch(socket, kind, head.subarray(end + HEAD_END.length));
      resolve(socket);
    };
    socket.on('data', onHead);
    socket.on('error', (error) => counter.lost(error, reject));
    socket.on('close', () => counter.lost(new Error(`${target} closed a stream`), reject));
    socket.write(streamRequest(kind));
  });
}

type Counter = ReturnType<typeof createCounter>;

function createCounter() {
  const histogram = createHistogram({ lowest: 1, highest: LATENCY_US_MAX, figures: 3 });
  const askedAt = new WeakMap<Socket, number>();
  let isCounting = false;
  let messages = 0;
  let errors = 0;

  const ask = (socket: Socket) => {
    askedAt.set(socket, performance.now());
    socket.write(CLIENT_FRAME);
  };
  const answered = (socket: Socket) => {
    const tookMs = performance.now() - (askedAt.get(socket) ?? 0);
    histogram.record(Math.min(LATENCY_US_MAX, Math.max(1, Math.round(tookMs * 1_000))));
    if (isCounting) ask(socket);
  };

  return {
    ask,
    begin() {
      isCounting = true;
      messages = 0;
    },
    end(seconds: number): LoadResult {
      isCounting = false;
      const ms = (percentile: number) => (histogram.count > 0 ? histogram.percentile(percentile) / 1_000 : 0);
      const latency = { p50Ms: ms(50), p99Ms: ms(99), p999Ms: ms(99.9) };
      return { requests: messages, requestsPerSecond: messages / seconds, ...latency, errors };
    },
    lost(error: Error, reject: (error: Error) => void) {
      errors++;
      reject(error);
    },
    /** Counts what comes, `first` included; a byte that is not the expected one is an error. */
    watch(socket: Socket, kind: StreamKind, first: Buffer) {
      let at = 0; // In the frame that is coming.
      const onFrames = (chunk: Buffer) => {
        if (!matches(chunk, at)) errors++;
        const frames = Math.floor((at + chunk.length) / SERVER_FRAME.length);
        at = (at + chunk.length) % SERVER_FRAME.length;
        messages += frames;
        if (kind === 'echo' && frames > 0) answered(socket);
      };
      const onEvents = (chunk: Buffer) => {
        for (let mark = chunk.indexOf(EVENT_MARK); mark >= 0; mark = chunk.indexOf(EVENT_MARK, mark + 1)) messages++;
      };
      const onData = kind === 'events' ? onEvents : onFrames;
      if (first.length > 0) onData(first);
      socket.on('data', onData);
    },
  };
}

/** Whether these bytes are the next of a sequence of frames. */
function matches(chunk: Buffer, at: number): boolean {
  for (let from = 0; from < chunk.length; ) {
    const start = (at + from) % SERVER_FRAME.length;
    const length = Math.min(chunk.length - from, PATTERN.length - start);
    if (chunk.compare(PATTERN, start, start + length, from, from + length) !== 0) return false;
    from += length;
  }
  return true;
}
