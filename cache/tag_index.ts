/** Which things carry which tags. */
export class TagIndex<Thing> {
  readonly #things = new Map<string, Set<Thing>>();

  /** The thing carries these tags from now on. */
  add(thing: Thing, tags: readonly string[]): void {
    for (const tag of tags) {
      const things = this.#things.get(tag);
      if (things) things.add(thing);
      else this.#things.set(tag, new Set([thing]));
    }
  }

  /** The thing carries these tags no more. */
  remove(thing: Thing, tags: readonly string[]): void {
    for (const tag of tags) {
      const things = this.#things.get(tag);
      things?.delete(thing);
      if (things?.size === 0) this.#things.delete(tag);
    }
  }

  /** The things that carry the tag. */
  withTag(tag: string): Thing[] {
    return [...this.#things.get(tag) ?? []];
  }

  /** How many tags there are. */
  get size(): number {
    return this.#things.size;
  }
}
