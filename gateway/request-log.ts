// One line for each request. Written by hand in pino's shape, because it is on every request's path: its fields are a
// closed list that holds no secret, so it needs no redaction, which costs more than all else that a request needs.
import {
  BATCH_CHARS,
  createLogger,
  type Logger,
  type LogLevel,
  type LogStream,
  logDestination,
  UNDIVIDED_CHARS_MAX,
} from '../config/log.ts';
import type { ForwardFailure } from './proxy/failure.ts';

export interface RequestLine {
  readonly requestId: string;
  readonly traceId: string | undefined;
  readonly method: string;
  /** Without the query, which may hold secrets. */
  readonly path: string;
  readonly route: string;
  readonly side: string;
  readonly decision: string;
  readonly status: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly firstByteMs: number | undefined;
  readonly failure: ForwardFailure | undefined;
  /** The error behind the failure. */
  readonly cause: string | undefined;
}

/** The gateway's log: lines about itself by pino, and one line a request. */
export type GatewayLog = Logger & { readonly request: (level: 'info' | 'warn', line: RequestLine) => void };

/** `isShared`: other processes log to the same place. */
export function createGatewayLog(options: { level: LogLevel; stream?: LogStream; isShared?: boolean }): GatewayLog {
  const { isShared = false, stream = logDestination({ isShared }) } = options;
  const logger = createLogger({ name: 'gateway', level: options.level, stream });
  const enabled = { info: logger.isLevelEnabled('info'), warn: logger.isLevelEnabled('warn') };
  const clock = createClock();
  const write = createBatch(stream, isShared ? UNDIVIDED_CHARS_MAX : BATCH_CHARS);
  return Object.assign(logger, {
    request(level: 'info' | 'warn', line: RequestLine) {
      if (enabled[level]) write(renderLine(level, clock(), line));
    },
  });
}

/** Lines are given to the stream together: for every write it looks at all that waits. */
const BATCH_MS = 20;

/** What must not be lost when the process ends: one for each log that has lines waiting. */
const unwritten = new Set<() => void>();
function writeAll(): void {
  for (const flush of unwritten) flush();
}

function createBatch(stream: LogStream, charsMax: number): (line: string) => void {
  let pending = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    unwritten.delete(flush);
    if (pending !== '') stream.write(pending);
    pending = '';
  };
  // Before the stream's own last write, and once however many logs a process has.
  if (!process.listeners('exit').includes(writeAll)) process.prependListener('exit', writeAll);
  return (line) => {
    if (pending.length + line.length > charsMax) flush();
    pending += line;
    unwritten.add(flush);
    timer ??= setTimeout(flush, BATCH_MS).unref();
  };
}

/** The line as JSON. Ids, methods, sides and reasons are of closed character sets; only paths and causes need quoting. */
export function renderLine(level: string, time: string, line: RequestLine): string {
  const { requestId, traceId, method, route, side, decision, status, bytes, firstByteMs, failure, cause } = line;
  return (
    `{"level":"${level}","time":"${time}","name":"gateway","pid":${process.pid},"requestId":"${requestId}"` +
    (traceId === undefined ? '' : `,"traceId":"${traceId}"`) +
    `,"method":"${method}","path":${JSON.stringify(line.path)},"route":"${route}","side":"${side}"` +
    `,"decision":"${decision}","status":${status},"bytes":${bytes},"durationMs":${rounded(line.durationMs)}` +
    (firstByteMs === undefined ? '' : `,"firstByteMs":${rounded(firstByteMs)}`) +
    (failure === undefined ? '' : `,"failure":"${failure}"`) +
    (cause === undefined ? '' : `,"cause":${JSON.stringify(cause)}`) +
    ',"msg":"request"}\n'
  );
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

/** The time as ISO 8601, spelled once a millisecond. */
function createClock(): () => string {
  let atMs = 0;
  let text = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== atMs) {
      atMs = nowMs;
      text = new Date(nowMs).toISOString();
    }
    return text;
  };
}
