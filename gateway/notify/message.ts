// A notice as it goes over the wire: as a CloudEvent, or for Slack. Pure.
import type { Notice } from './notice.ts';

/** Above it receivers may refuse an event (CloudEvents 1.0, "Size Limits"). */
const EVENT_BYTES_MAX = 65_536;
/** Of a text object of Slack's Block Kit. */
const SLACK_TEXT_MAX = 3_000;

/** The gateway that tells. */
export interface Teller {
  readonly environment: string;
  readonly instance: string;
  /** Where operators reach the console; undefined where nobody said. */
  readonly publicUrl: string | undefined;
}

export interface Message {
  /** The same whenever it is sent again, so that its receiver can tell. */
  readonly id: string;
  readonly notice: Notice;
}

/** Where people read more. */
function linkOf({ route }: Notice, { publicUrl }: Teller): string | undefined {
  if (publicUrl === undefined) return undefined;
  const path = route === undefined || route === '*' ? '' : `/routes/${encodeURIComponent(route)}`;
  return `${publicUrl.replace(/\/$/, '')}${path}`;
}

/** CloudEvents 1.0.2, JSON event format, structured mode. */
export function cloudEvent({ id, notice }: Message, teller: Teller): string {
  const { type, severity, at, route, sentence, data } = notice;
  const { environment, instance } = teller;
  const url = linkOf(notice, teller);
  const event = (numbers: object) =>
    JSON.stringify({
      specversion: '1.0',
      ...{ id, type: `dev.banyan.${type}`, source: `urn:banyan:${encodeURIComponent(environment)}`, time: at },
      ...(route === undefined ? {} : { subject: route }),
      datacontenttype: 'application/json',
      data: { severity, environment, instance, sentence, ...(url === undefined ? {} : { url }), ...numbers },
    });
  const whole = event(data);
  return Buffer.byteLength(whole) <= EVENT_BYTES_MAX
    ? whole
    : event({ omitted: 'the numbers are too large to be sent' });
}

const MARKS = { info: ':information_source:', warning: ':warning:', critical: ':rotating_light:' } as const;

/** The body of a Slack incoming webhook: `text` for where blocks are not shown, such as notifications on a phone. */
export function slackMessage({ notice }: Message, teller: Teller): string {
  const { type, severity, at, sentence } = notice;
  const link = linkOf(notice, teller);
  const text = escapedUpTo(`[${teller.environment}] ${sentence}`, SLACK_TEXT_MAX - 100);
  const about = `${severity} · ${type} · ${at} · ${escapedUpTo(teller.instance, 200)}`;
  const context = link === undefined ? about : `${about} · <${escaped(link)}|console>`;
  return JSON.stringify({
    text,
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `${MARKS[severity]} ${text}` } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: context }] },
    ],
  });
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Slack's control characters; so that no text can mention anybody or pretend to be a link. */
function escaped(text: string): string {
  return text.replace(/[&<>]/g, (character) => ESCAPES[character] ?? character);
}

/** The beginning of a text whose escaped form has at most so many characters. */
function escapedUpTo(text: string, max: number): string {
  let out = '';
  for (const character of text) {
    const next = escaped(character);
    if (out.length + next.length > max) return `${out}…`;
    out += next;
  }
  return out;
}
