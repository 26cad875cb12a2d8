// A place as one comparison visits it, again and again: members of an array share their places, so that what the rules
// say of each is looked up once a document and not once a value.
import { child, member, type Place } from './path.ts';
import type { CompiledRules, PlaceRules } from './rules.ts';

export class Spot {
  readonly place: Place;
  readonly #compiled: CompiledRules;
  readonly #children = new Map<string, Spot>(); // Names of the documents at hand; gone with the comparison.
  readonly #members = new Map<string | undefined, Spot>();
  #rules: PlaceRules | undefined;

  constructor(compiled: CompiledRules, place: Place) {
    this.#compiled = compiled;
    this.place = place;
  }

  /** What the rules say of this place. */
  get rules(): PlaceRules {
    this.#rules ??= this.#compiled.at(this.place);
    return this.#rules;
  }

  child(name: string): Spot {
    let spot = this.#children.get(name);
    if (!spot) {
      spot = new Spot(this.#compiled, child(this.place, name));
      this.#children.set(name, spot);
    }
    return spot;
  }

  /** Any member of an array; `key` is the field by which members are paired. */
  member(key?: string): Spot {
    let spot = this.#members.get(key);
    if (!spot) {
      spot = new Spot(this.#compiled, member(this.place, key));
      this.#members.set(key, spot);
    }
    return spot;
  }
}
