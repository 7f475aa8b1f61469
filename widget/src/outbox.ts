import type { Keep } from "./storage";
import type { Said } from "./protocol";

const ITEM = "outbox";
const MOST = 50;

export interface Waiting {
  readonly frame: Said;
  /** Milliseconds since 1970: when the visitor said it. */
  readonly at: number;
}

/**
 * What the visitor said and the server has not acknowledged, in order. One is sent at a time, so that
 * nothing overtakes; each keeps its id through every try, and through a reload of the page.
 */
export class Outbox {
  readonly #keep: Keep;
  #waiting: Waiting[];

  constructor(keep: Keep) {
    this.#keep = keep;
    this.#waiting = read(keep.get(ITEM));
  }

  get head(): Waiting | undefined {
    return this.#waiting[0];
  }

  get all(): readonly Waiting[] {
    return this.#waiting;
  }

  get full(): boolean {
    return this.#waiting.length >= MOST;
  }

  add(frame: Said, at: number): void {
    if (frame.type === "open") this.#waiting.unshift({ frame, at });
    else this.#waiting.push({ frame, at });
    this.#save();
  }

  has(type: Said["type"]): boolean {
    return this.#waiting.some(({ frame }) => frame.type === type);
  }

  remove(id: string): Waiting | undefined {
    const found = this.#waiting.find(({ frame }) => frame.id === id);
    this.#waiting = this.#waiting.filter((entry) => entry !== found);
    this.#save();
    return found;
  }

  #save(): void {
    if (this.#waiting.length) this.#keep.set(ITEM, JSON.stringify(this.#waiting));
    else this.#keep.remove(ITEM);
  }
}

function read(text: string | null): Waiting[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? (value as Waiting[]).filter((entry) => entry?.frame?.id) : [];
  } catch {
    return [];
  }
}
