// Where a route's requests and answers hold ids that the sides have given for themselves: learned from answers, held to
// be equal in them, and put in place of each other in copies of requests.

import { comparePathProblem, type PathStep, parseComparePath } from '../../config/compare-path.ts';
import type { RouteConfig } from '../../config/gateway-schema.ts';
import { parameterOf } from '../../config/route-schema.ts';
import { headerValue } from '../proxy/headers.ts';
import type { RouteModel } from '../routing/route.ts';
import { otherSide, type Side } from '../routing/side.ts';
import { matchingPath } from '../routing/target.ts';
import type { Verdict } from './compare.ts';
import type { Difference } from './difference.ts';
import { mappedLocation } from './id-location.ts';
import { type IdMap, type IdPair, type Learned, plainId } from './id-map.ts';
import { type Json, JsonNumber, parseJson, writeJson } from './json.ts';

type IdRule = RouteConfig['mirror']['ids'][number];

/** What of a request is rewritten. */
export interface Rewritable {
  /** In origin-form. */
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
}

export interface IdRules {
  /** The request as the other side would have been asked; undefined where it names something unknown there. */
  translate(request: Rewritable, from: Side): Rewritable | undefined;
  /** The verdict with ids that stand for one thing held to be equal; those that are new to us are learned. */
  reconcile(verdict: Verdict): Verdict;
}

/** An id in JSON. Longer ones are shortened in differences, and not learned; nor is a step of a path (RFC 3986 section 3.3). */
const ID_JSON = /^(?:"(?!\.{1,2}")(?:[^"\\…]|\\.){1,118}"|-?\d{1,40})$/;

export function compileIds({ match, mirror }: Pick<RouteConfig, 'match' | 'mirror'>, ids: IdMap): IdRules {
  const rules = mirror.ids;
  const inAnswers = rules.flatMap((rule) => (rule.path ? [{ ...rule, steps: stepsOf(rule.path) }] : []));
  const inLocations = rules.flatMap(({ location, ...rule }) => (location === undefined ? [] : [{ ...rule, location }]));
  const translators = rules.map((rule) => compileRequest(rule, match.path, ids));

  function mapped(difference: Difference): string | undefined {
    const { path, kind, legacy = '', new: fresh = '' } = difference;
    if (kind !== 'changed' && kind !== 'type') return undefined;
    if (LOCATIONS.includes(path)) {
      const names = mappedLocation(inLocations, { legacy, new: fresh, isPair });
      return names === undefined ? undefined : `mapped: ${names}`;
    }
    const place = placeOf(path);
    const found = place && inAnswers.find(({ steps }) => selects(steps, place));
    return found && isPair({ ...found, legacy, new: fresh }) ? `mapped: ${found.name}` : undefined;
  }

  /** Whether both ids stand for one thing, by what is known or learned now. */
  function isPair({ name, learn, legacy, new: fresh }: IdPair & Pick<IdRule, 'learn'>): boolean {
    if (!ID_JSON.test(legacy) || !ID_JSON.test(fresh)) return false;
    if (learn) return EQUAL.includes(ids.learn({ name, legacy, new: fresh }));
    return plainId(ids.translate(name, plainId(legacy), 'new') ?? '') === plainId(fresh);
  }

  return {
    translate(request, from) {
      let translated: Rewritable | undefined = request;
      for (const translate of translators) translated = translated && translate(translated, otherSide(from));
      return translated;
    },
    reconcile(verdict) {
      if (verdict.differences.length === 0) return verdict;
      // Learned even where a rule ignores the difference, whose name it then keeps. From bodies first: only those tell
      // numbers from texts.
      const inHeaders = ({ path }: Difference) => Number(LOCATIONS.includes(path));
      const inTurn = verdict.differences.toSorted((a, b) => inHeaders(a) - inHeaders(b));
      const found = new Map(inTurn.map((difference) => [difference, mapped(difference)]));
      const differences = verdict.differences.map((difference) => {
        const rule = found.get(difference);
        return rule === undefined || difference.rule !== undefined ? difference : { ...difference, rule };
      });
      const outcome = differences.every(({ rule }) => rule !== undefined) ? 'ignored' : 'mismatch';
      return { ...verdict, outcome, differences };
    },
  };
}

/** The fields that name what a request has made. */
const LOCATIONS: readonly string[] = ['header:location', 'header:content-location'];
const EQUAL: readonly Learned[] = ['learned', 'known'];

/** Each route's rules for ids, compiled once. */
export function createIdBook(ids: IdMap): (route: RouteModel) => IdRules | undefined {
  // By the route itself, so that a configuration read anew has rules of its own.
  const book = new WeakMap<RouteModel, IdRules>();
  return (route) => {
    if (route.config.mirror.ids.length === 0) return undefined;
    const known = book.get(route) ?? compileIds(route.config, ids);
    book.set(route, known);
    return known;
  };
}

type Translator = (request: Rewritable, to: Side) => Rewritable | undefined;

function compileRequest({ name, param, query, body, unknown }: IdRule, pattern: string, ids: IdMap): Translator {
  const index = param === undefined ? -1 : pattern.split('/').findIndex((part) => parameterOf(part) === param);
  const steps = body === undefined ? undefined : stepsOf(body);
  return (request, to) => {
    let isKnown = true;
    /** What to write instead of an id; the same where it is unknown and may be. */
    const instead = (id: string): string | undefined => {
      const found = ids.translate(name, id, to);
      if (found === undefined && unknown === 'drop') isKnown = false;
      return found;
    };
    const plainly = (id: string) => {
      const found = instead(id);
      return found === undefined ? undefined : plainId(found);
    };
    let { path } = request;
    if (index >= 0) path = replaceSegment(path, index, plainly);
    if (query !== undefined) path = replaceParameter(path, query, plainly);
    const translated = steps ? replaceInBody({ ...request, path }, steps, instead) : { ...request, path };
    return isKnown ? translated : undefined;
  };
}

type Replace = (id: string) => string | undefined;

function replaceSegment(target: string, index: number, replace: Replace): string {
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  const segments = path.split('/');
  // Of a path that is spelled in a roundabout way nobody can say which segment is which: no id is found in it.
  const isPlain = segments.length === matchingPath(path)?.split('/').length;
  const id = isPlain ? decoded(segments[index] ?? '') : '';
  const found = replace(id);
  if (found === undefined) return target;
  segments[index] = encodeURIComponent(found);
  return segments.join('/') + target.slice(path.length);
}

function replaceParameter(target: string, name: string, replace: Replace): string {
  const start = target.indexOf('?');
  if (start < 0) return target;
  const parts = target.slice(start + 1).split('&');
  const replaced = parts.map((part) => {
    const equals = part.indexOf('=');
    if (equals < 0 || decoded(part.slice(0, equals)) !== name) return part;
    const found = replace(decoded(part.slice(equals + 1).replaceAll('+', ' ')));
    return found === undefined ? part : `${part.slice(0, equals)}=${encodeURIComponent(found)}`;
  });
  return `${target.slice(0, start)}?${replaced.join('&')}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;

function replaceInBody(request: Rewritable, steps: readonly PathStep[], replace: Replace): Rewritable {
  const { headers, body } = request;
  if (!body || headerValue(headers, 'content-encoding') || !JSON_TYPE.test(headerValue(headers, 'content-type') ?? ''))
    return request;
  let document: Json;
  try {
    document = parseJson(body.toString('utf8'));
  } catch {
    return request; // Whoever gets it says what is wrong with it.
  }
  let isChanged = false;
  const replaced = rewrite(document, steps, (value) => {
    const found =
      typeof value === 'string' || value instanceof JsonNumber ? replace(plainId(writeJson(value))) : undefined;
    isChanged ||= found !== undefined;
    return found === undefined ? value : parseJson(found);
  });
  if (!isChanged) return request;
  const text = Buffer.from(writeJson(replaced));
  return { ...request, body: text, headers: withLength(headers, text.length) };
}

/** The document with what stands at the end of the steps replaced. */
function rewrite(value: Json, steps: readonly PathStep[], replace: (value: Json) => Json): Json {
  const [step, ...rest] = steps;
  if (!step) return replace(value);
  const into = (item: Json, name: string | undefined): Json => {
    if (takes(step, name)) return rewrite(item, rest, replace);
    return step.deep ? rewrite(item, steps, replace) : item;
  };
  if (Array.isArray(value)) return value.map((item: Json) => into(item, undefined));
  if (value instanceof Map) return new Map([...value].map(([name, item]) => [name, into(item, name)]));
  return value;
}

function withLength(headers: readonly string[], bytes: number): readonly string[] {
  return headers.map((text, i) =>
    i % 2 === 1 && headers[i - 1]?.toLowerCase() === 'content-length' ? `${bytes}` : text,
  );
}

function stepsOf(path: string): readonly PathStep[] {
  const parsed = parseComparePath(path);
  if (parsed.part !== 'body') throw new Error(`not a path in a body: ${path}`); // The configuration's schema has checked it.
  return parsed.steps;
}

/** The names on the way to a place in a body, undefined standing for any member of an array. */
type Place = readonly (string | undefined)[];

/** The place that a difference's path names; undefined where it is in no body. */
function placeOf(printed: string): Place | undefined {
  if (comparePathProblem(printed) !== undefined) return undefined;
  const path = parseComparePath(printed);
  if (path.part !== 'body') return undefined;
  return path.steps.map(({ selectors: [selector] }) => (selector?.kind === 'name' ? selector.name : undefined));
}

function selects(steps: readonly PathStep[], place: Place): boolean {
  const [step, ...rest] = steps;
  const [name, ...below] = place;
  if (!step || place.length === 0) return !step && place.length === 0;
  if (takes(step, name) && selects(rest, below)) return true;
  return step.deep && selects(steps, below);
}

function takes({ selectors }: PathStep, name: string | undefined): boolean {
  return selectors.some((selector) => selector.kind === 'any' || (selector.kind === 'name' && selector.name === name));
}
