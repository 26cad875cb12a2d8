// One Subscribe call to one server: pings answered, its end told once, whatever ended it.
import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { type Failure, failureOf, lost } from './failure.ts';
import { requestCodec, SUBSCRIBE_PATH, type SubscribeRequest, type Update, updateCodec } from './schema.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** The server pings every 10 to 15 s; two missed and it is dead, whatever TCP believes. */
const SILENCE_MAX_MS = 35_000;
const SILENCE_CHECK_MS = 5000;
/** One update is a transaction or an account of at most 10 MiB. */
const UPDATE_BYTES_MAX = 16 * 1024 * 1024;
const OPTIONS: ClientOptions = {
  'grpc.max_receive_message_length': UPDATE_BYTES_MAX,
  'grpc.enable_retries': 0, // What is asked changes with what has been seen; geyser.ts asks anew.
  'grpc.use_local_subchannel_pool': 1, // A connection that was given up must not come back with its backoff.
};

export type Endpoint = {
  /** http: without TLS, https: with it. */
  readonly url: string;
  /** Sent as x-token, and never told to anybody else. */
  readonly token: string | undefined;
};

export type Session = {
  /** Resolves once, whoever ended it. */
  readonly ended: Promise<Failure>;
  /** Reads no more until `resume`; the server's own buffer is bounded, and it ends the call when that is full. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly end: (detail: string) => void;
};

export type SessionHooks = {
  /** The server has begun to tell: of anything, be it a ping. */
  readonly onServing: () => void;
  /** Everything but pings and pongs. */
  readonly onUpdate: (update: Update) => void;
};

function clientOf({ url }: Endpoint): Client {
  const { protocol, host } = new URL(url);
  return new Client(host, protocol === 'https:' ? credentials.createSsl() : credentials.createInsecure(), OPTIONS);
}

function metadataOf({ token }: Endpoint): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('x-token', token);
  return metadata;
}

export function openSession(endpoint: Endpoint, request: SubscribeRequest, hooks: SessionHooks): Session {
  const { promise: ended, resolve } = Promise.withResolvers<Failure>();
  const client = clientOf(endpoint);
  let heardAtMs = performance.now();
  let isPaused = false;
  let isServing = false;
  let isOver = false;

  function finish(failure: Failure): void {
    if (isOver) return;
    isOver = true;
    clearInterval(listening);
    clearTimeout(opening);
    call.cancel();
    client.close();
    resolve(failure);
  }
  const listening = setInterval(() => {
    // Whoever does not read hears nothing; that is no fault of the server's.
    if (isPaused) heardAtMs = performance.now();
    else if (performance.now() - heardAtMs > SILENCE_MAX_MS) finish(lost(`nothing was heard for ${SILENCE_MAX_MS} ms`));
  }, SILENCE_CHECK_MS);

  const encode = (message: SubscribeRequest) => Buffer.from(requestCodec.encode(message));
  const call: ClientDuplexStream<SubscribeRequest, Update> = client.makeBidiStreamRequest(
    SUBSCRIBE_PATH,
    encode,
    updateCodec.decode,
    metadataOf(endpoint),
  );
  const opening = setTimeout(() => finish(lost(`no answer within ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS);
  call.on('metadata', () => clearTimeout(opening));
  call.on('data', (update: Update) => {
    heardAtMs = performance.now();
    if (isOver) return;
    if (!isServing) hooks.onServing();
    isServing = true;
    if (update.ping) call.write({ ping: { id: 1 } });
    else if (!update.pong) hooks.onUpdate(update);
  });
  call.on('error', (error: ServiceError) => finish(failureOf(error)));
  call.on('end', () => finish(lost('the server ended the stream')));
  call.write(request);

  return {
    ended,
    pause() {
      isPaused = true;
      call.pause();
    },
    resume() {
      isPaused = false;
      call.resume();
    },
    end: (detail) => finish(lost(detail)),
  };
}
