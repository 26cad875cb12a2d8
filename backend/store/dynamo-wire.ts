// The few requests that every order takes, sent to DynamoDB without the SDK's layers: those cost some 400 us of a core each, this
// some 30. The SDK still finds credentials, describes tables and sets them up; failures are its own error types.
import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
  type GetItemCommandInput,
  type GetItemCommandOutput,
  type PutItemCommandInput,
  type PutItemCommandOutput,
  type QueryCommandInput,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { Pool } from 'undici';
import { z } from 'zod';
import type { Clock } from '../domain/ids.ts';
import { amzDateOf, createSigner } from './sigv4.ts';

const SOCKETS_MAX = 64;
const CONNECT_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 2000;
/** DynamoDB answers a query with 1 MB of items at most, which as JSON are more. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** What is asked, and what it is answered with. */
type Operations = {
  readonly PutItem: { readonly input: PutItemCommandInput; readonly output: PutItemCommandOutput };
  readonly GetItem: { readonly input: GetItemCommandInput; readonly output: GetItemCommandOutput };
  readonly Query: { readonly input: QueryCommandInput; readonly output: QueryCommandOutput };
};

export type Wire = {
  /** Rejects as the SDK does: with its exceptions for answers that are errors, with the socket's or a timeout's otherwise. */
  readonly send: <Name extends keyof Operations>(
    operation: Name,
    input: Operations[Name]['input'],
  ) => Promise<Omit<Operations[Name]['output'], '$metadata'>>;
  readonly close: () => Promise<void>;
};

const throttlingReasons = z.array(z.object({ reason: z.string().optional(), resource: z.string().optional() }));
const errorBody = z.object({
  __type: z.string(),
  message: z.string().optional(),
  Message: z.string().optional(),
  /** Which limit of the table or of which index; spelt in two ways. */
  ThrottlingReasons: throttlingReasons.optional().catch(undefined),
  throttlingReasons: throttlingReasons.optional().catch(undefined),
});
/** Said of a clock that is wrong, by more than five minutes. */
const OF_CLOCK = /^(InvalidSignatureException|RequestTimeTooSkewed|RequestExpired)$/;

function endpointOf(endpoint: string | undefined, { host }: Service, region: string): string {
  return endpoint ?? `https://${host}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // A page of some machine in between: the status alone must do.
  }
}

/** The exception that the SDK makes of such an answer. */
function exceptionOf(status: number, body: unknown): DynamoDBServiceException {
  const error = errorBody.safeParse(body).data;
  const name = error?.__type.split('#').at(-1) ?? 'UnknownError';
  const message = error?.message ?? error?.Message ?? `HTTP ${status}`;
  const $metadata = { httpStatusCode: status };
  if (name === 'ConditionalCheckFailedException') return new ConditionalCheckFailedException({ message, $metadata });
  const exception = new DynamoDBServiceException({
    ...{ name, message, $fault: status >= 500 ? 'server' : 'client', $metadata },
  });
  const ThrottlingReasons = error?.ThrottlingReasons ?? error?.throttlingReasons;
  return ThrottlingReasons === undefined ? exception : Object.assign(exception, { ThrottlingReasons });
}

export type WireOptions = { readonly endpoint: string | undefined; readonly region: string; readonly now: Clock };

/** One of DynamoDB's two services, which speak alike: its name in the address, and of its version of the protocol. */
type Service = { readonly host: string; readonly target: string };
const TABLES: Service = { host: 'dynamodb', target: 'DynamoDB_20120810' };
const STREAMS: Service = { host: 'streams.dynamodb', target: 'DynamoDBStreams_20120810' };

/** Requests of any operation; what is answered is as the service sent it. */
export type Caller = {
  /** Rejects as the SDK does: with its exceptions for answers that are errors, with the socket's or a timeout's otherwise. */
  readonly call: (operation: string, input: object) => Promise<unknown>;
  readonly close: () => Promise<void>;
};

/** `client` is asked for credentials only, which it renews by itself. */
function createCaller(
  client: Pick<DynamoDBClient, 'config'>,
  service: Service,
  { endpoint, region, now }: WireOptions,
): Caller {
  const url = new URL(endpointOf(endpoint, service, region));
  const pool = new Pool(url.origin, {
    connections: SOCKETS_MAX,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: REQUEST_TIMEOUT_MS,
    bodyTimeout: REQUEST_TIMEOUT_MS,
    maxResponseSize: ANSWER_BYTES_MAX,
  });
  const sign = createSigner(region, 'dynamodb');
  let offsetMs = 0;

  async function post(operation: string, body: string) {
    const credentials = await client.config.credentials();
    const amzDate = amzDateOf(now() + offsetMs);
    const headers: Record<string, string> = {
      'content-type': 'application/x-amz-json-1.0',
      host: url.host,
      'x-amz-date': amzDate,
      'x-amz-target': `${service.target}.${operation}`,
      ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken }),
    };
    const authorization = sign(credentials, { headers, body }, amzDate);
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const request = { method: 'POST', path: '/', headers: { ...headers, authorization }, body, signal } as const;
    const response = await pool.request(request);
    const text = await response.body.text();
    return { status: response.statusCode, dateMs: Date.parse(String(response.headers.date)), body: parse(text) };
  }

  return {
    async call(operation, input) {
      const body = JSON.stringify(input);
      let answer = await post(operation, body);
      if (answer.status === 400 && OF_CLOCK.test(exceptionOf(400, answer.body).name) && answer.dateMs > 0) {
        offsetMs = answer.dateMs - now(); // Refused for the time it was signed with, so nothing was done: once more by its clock.
        answer = await post(operation, body);
      }
      if (answer.status !== 200 || answer.body === undefined) throw exceptionOf(answer.status, answer.body);
      return answer.body;
    },
    close: () => pool.destroy(),
  };
}

export function createWire(client: Pick<DynamoDBClient, 'config'>, options: WireOptions): Wire {
  const caller = createCaller(client, TABLES, options);
  return {
    async send(operation, input) {
      const output = await caller.call(operation, input);
      return output as Operations[typeof operation]['output']; // The service's own shape, as the SDK takes it too.
    },
    close: caller.close,
  };
}

/** Of DynamoDB Streams: an SDK of its own otherwise, for three requests. */
export const createStreamsCaller = (client: Pick<DynamoDBClient, 'config'>, options: WireOptions): Caller =>
  createCaller(client, STREAMS, options);
