import type { Keep } from "./storage";

const ITEM = "reactions";
const MOST = 100;

/** The visitor's own reactions, which the server passes on but does not tell again: by message, the newest last. */
export class Reactions {
  readonly #keep: Keep;
  readonly #byMessage: Map<string, string>;

  constructor(keep: Keep) {
    this.#keep = keep;
    this.#byMessage = read(keep.get(ITEM));
  }

  /** The emoji that the visitor put to a message; empty for none. */
  of(message: string): string {
    return this.#byMessage.get(message) ?? "";
  }

  /** Put an emoji to a message, or take it back; returns what is there now. */
  toggle(message: string, emoji: string): string {
    const now = this.of(message) === emoji ? "" : emoji;
    this.#byMessage.delete(message);
    if (now) this.#byMessage.set(message, now);
    const oldest = this.#byMessage.keys().next().value;
    if (this.#byMessage.size > MOST && oldest) this.#byMessage.delete(oldest);
    this.#keep.set(ITEM, JSON.stringify([...this.#byMessage]));
    return now;
  }
}

function read(text: string | null): Map<string, string> {
  try {
    return new Map(JSON.parse(text ?? "[]") as [string, string][]);
  } catch {
    return new Map();
  }
}
