/** What outlives a reload. A browser may refuse storage altogether: then it lives as long as the page. */

const PREFIX = "channel-gateway";

export class Keep {
  readonly #name: string;
  readonly #area: () => Storage;
  readonly #memory = new Map<string, string>();

  constructor(bot: string, area: () => Storage) {
    this.#name = `${PREFIX}:${bot}`;
    this.#area = area;
  }

  key(item: string): string {
    return `${this.#name}:${item}`;
  }

  get(item: string): string | null {
    try {
      return this.#area().getItem(this.key(item));
    } catch {
      return this.#memory.get(item) ?? null;
    }
  }

  set(item: string, value: string): void {
    try {
      this.#area().setItem(this.key(item), value);
    } catch {
      this.#memory.set(item, value);
    }
  }

  remove(item: string): void {
    this.#memory.delete(item);
    try {
      this.#area().removeItem(this.key(item));
    } catch {
      // nothing is stored where nothing can be
    }
  }
}
