// The two kinds of stream that can be compared: how the other side's is opened, and how both are taken apart.
import type { UpstreamConfig } from '../../config/gateway-schema.ts';
import { headerValue } from '../proxy/headers.ts';
import type { Upstream } from '../proxy/upstream.ts';
import type { Decision } from '../routing/decide.ts';
import type { RouteModel } from '../routing/route.ts';
import { otherSide, type Side } from '../routing/side.ts';
import type { ComparedStream } from './compared-stream.ts';
import { createEventReader, type ServerSentEvent } from './event-messages.ts';
import { type OtherStreamEvents, openOtherEvents } from './other-events.ts';
import { openOtherSocket } from './other-socket.ts';
import { createSocketReader, type SocketMessage } from './socket-messages.ts';
import { createStreamDecoder } from './stream-decode.ts';
import { contentTypeOf, type HeardMessage } from './stream-key.ts';

/** A stream that a side has begun to send to a client. */
export interface ServedStream {
  readonly route: RouteModel | undefined;
  readonly decision: Decision;
  readonly identity: string;
  /** The side that serves it. */
  readonly side: Side;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** The fields of that side's answer. */
  readonly answered: readonly string[];
  /** The request's fields as they go to a side. */
  headersFor(side: Side): readonly string[];
}

/** A part of a stream as it came. */
export type Hear = (chunk: Buffer, atMs: number) => void;

export interface OpenedStream {
  /** Closes the other side's stream. Nothing is heard any more. */
  close(): void;
  /** What the serving side sends. */
  readonly fromServer: Hear;
  /** The serving side has sent all; `then` is called when it has been heard. */
  heardAll(then: () => void): void;
  /** What the client says; undefined where the other side is not told. */
  readonly fromClient: Hear | undefined;
}

export interface KindDeps {
  /** Connections for event streams. */
  readonly upstreams: () => Readonly<Record<Side, Upstream>>;
  readonly configs: () => Readonly<Record<Side, UpstreamConfig>>;
  /** A steady clock in milliseconds. */
  readonly nowMs: () => number;
}

/** Opens the other side's stream. @throws where its request cannot even be made. */
export type OpenKind = (
  deps: KindDeps,
  of: { readonly route: RouteModel; readonly served: ServedStream; readonly stream: ComparedStream },
  on: OtherStreamEvents,
) => OpenedStream;

export const openEventsKind: OpenKind = ({ upstreams, nowMs }, { route, served, stream }, on) => {
  const { method, path, side, headersFor, answered } = served;
  const { timeoutMs, bodyBytesMax } = route.config.mirror;
  const to = otherSide(side);
  const hear = (from: Side): Hear => {
    const reader = createEventReader(bodyBytesMax);
    let dropped = 0;
    return (chunk, atMs) => {
      stream.hear(from, () => reader.push(chunk).map(heardEvent), atMs);
      if (reader.dropped > dropped) stream.unsettled(reader.dropped - dropped);
      dropped = reader.dropped;
    };
  };
  const ends = { broken: () => stream.end('unreadable'), behind: () => stream.end('behind') };
  const decoder = createStreamDecoder(headerValue(answered, 'content-encoding'), { data: hear(side), ...ends });
  if (!decoder) throw new Error('the event stream is in a coding that is not known');
  const other = openOtherEvents(
    { upstream: upstreams()[to], headers: headersFor(to), method, path, timeoutMs, nowMs },
    { ...on, ...ends, data: hear(to) },
  );
  return {
    fromServer: (chunk, atMs) => decoder.push(chunk, atMs),
    fromClient: undefined,
    heardAll: (then) => decoder.end(then),
    close() {
      decoder.close();
      other.close();
    },
  };
};

export const openSocketKind: OpenKind = ({ configs, nowMs }, { route, served, stream }, on) => {
  const { path, side, headersFor, answered } = served;
  const { timeoutMs, bodyBytesMax: messageBytesMax } = route.config.mirror;
  const { clientMessages, messagesMax = 0 } = route.config.streams.compare ?? {};
  const to = otherSide(side);
  const protocol = headerValue(answered, 'sec-websocket-protocol');
  let pings = 0; // They cost as much as messages.
  const other = openOtherSocket(
    { upstream: configs()[to], headers: headersFor(to), path, protocol, timeoutMs, messageBytesMax },
    {
      ...on,
      message: (message) => stream.hear(to, () => [heardOnSocket(message)], nowMs()),
      ping() {
        if (++pings > messagesMax) stream.end('messages_max');
      },
    },
  );
  const server = createSocketReader(messageBytesMax);
  const client = createSocketReader(messageBytesMax);
  return {
    close: () => other.close(),
    heardAll: (then) => then(),
    fromServer: (chunk, atMs) => stream.hear(side, () => server.push(chunk).map(heardOnSocket), atMs),
    fromClient: clientMessages === 'copy' ? (chunk) => stream.tell(() => client.push(chunk), other.say) : undefined,
  };
};

function heardEvent({ event, id, data }: ServerSentEvent): HeardMessage {
  const body = Buffer.from(data);
  return { body, contentType: contentTypeOf(body), event, id };
}

function heardOnSocket({ data, isBinary }: SocketMessage): HeardMessage {
  const contentType = isBinary ? 'application/octet-stream' : contentTypeOf(data);
  return { body: data, contentType, event: undefined, id: undefined };
}
