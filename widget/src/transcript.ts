import type { Message, Parts, Sender } from "./protocol";
import type { Own } from "./said";

export type Delivery = "waiting" | "sending" | "sent" | "failed";

export interface Line {
  /** Stays the same while the line is on screen. */
  readonly key: string;
  readonly from: Sender;
  /** The server's id of what it shows now; empty as long as the server has none. */
  id: string;
  text: string;
  /** Everything in words, parts and all. */
  plain: string;
  parts: Parts;
  /** What the visitor picked, if it is a choice of theirs. */
  readonly choice: string;
  /** What the bot put to it. */
  reaction: string;
  /** Rises with every change of what it shows. */
  version: number;
  readonly at: Date;
  /** Its place in the conversation; null until the server has given it one. */
  seq: number | null;
  /** Where it stands in the list: its number, or after what was there when it turned out to have none. */
  order: number;
  delivery: Delivery;
  /** Why it failed, in the server's words. */
  reason: string;
}

const LEAF = /^(.+:p)\d{1,4}$/;

/** The menu that a choice leafs through, by its id; empty for a choice that is an answer. */
export const menuOf = (choice: string): string => LEAF.exec(choice)?.[1] ?? "";

/**
 * The conversation as it is known here: every message once, in the order of its number, with what is not
 * yet sent at the end.
 */
export class Transcript {
  readonly #bySeq = new Map<number, Line>();
  readonly #byKey = new Map<string, Line>();
  /** By every id of the server that a line has ever shown. */
  readonly #byId = new Map<string, Line>();
  /** The menu that the visitor leafs through just now. */
  #turning = "";
  #readKey = "";
  #readUpTo = 0;
  #lines: Line[] = [];
  #contiguous = 0;

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** Every message up to this number is here. */
  get contiguous(): number {
    return this.#contiguous;
  }

  /** The highest number of a message that somebody else wrote. */
  get lastHeard(): number {
    for (let i = this.#lines.length - 1; i >= 0; i--) {
      const line = this.#lines[i];
      if (line && line.seq !== null && line.from !== "customer") return line.seq;
    }
    return 0;
  }

  /** Messages of others above `seq`. */
  unread(seq: number): number {
    let count = 0;
    for (const line of this.#lines) if (line.seq !== null && line.seq > seq && line.from !== "customer") count++;
    return count;
  }

  /** Takes a message of the server; false when it was here already, or shows nothing new. */
  take(message: Message): boolean {
    if (this.#bySeq.has(message.seq)) return false;
    const own = message.client_id ? this.#byKey.get(message.client_id) : undefined;
    if (own) {
      this.confirm(own.key, message.seq);
      return false;
    }
    if (message.choice && menuOf(message.choice)) {
      this.#turning = menuOf(message.choice);
      this.#reach(message.seq);
      return false;
    }
    if (message.reaction) {
      this.#react(message.reaction.message, message.reaction.emoji);
      this.#reach(message.seq);
      return false;
    }
    const earlier = this.#earlier(message);
    this.#turning = "";
    if (earlier) this.#change(earlier, message);
    else this.#append(message);
    return true;
  }

  /** The visitor leafs on: the next page takes the place of this one. */
  turn(choice: string): void {
    this.#turning = menuOf(choice);
  }

  /** The line that a message takes the place of. */
  #earlier(message: Message): Line | undefined {
    const replaced = message.replaces ? this.#byId.get(message.replaces) : undefined;
    if (replaced) return replaced;
    // A page that is turned names the visitor's click, which is no line.
    if (!message.menu || message.menu !== this.#turning) return undefined;
    return this.#lines.findLast((line) => line.parts.menu === message.menu);
  }

  #change(line: Line, message: Message): void {
    line.id = message.id;
    line.text = message.words ?? message.text;
    line.plain = message.text;
    line.parts = message;
    line.version++;
    this.#byId.set(message.id, line);
    this.#reach(message.seq);
  }

  #append(message: Message): void {
    const line: Line = {
      ...EMPTY,
      key: message.client_id || message.id,
      id: message.id,
      from: message.from,
      text: message.words ?? message.text,
      plain: message.text,
      parts: message,
      choice: message.choice ?? "",
      at: new Date(message.at),
      delivery: "sent",
    };
    this.#byKey.set(line.key, line);
    this.#byId.set(message.id, line);
    this.#lines.push(line);
    this.#place(line, message.seq);
  }

  #react(key: string, emoji: string): void {
    const line = this.#byKey.get(key);
    if (!line || line.reaction === emoji) return;
    line.reaction = emoji;
    line.version++;
  }

  /** A line that the visitor wrote and that is not sent yet. */
  add(key: string, said: Own, at: Date): void {
    if (this.#byKey.has(key)) return;
    const { text = "", parts = {}, choice = "" } = said;
    const line: Line = { ...EMPTY, key, text, plain: text, parts, choice, at };
    this.#byKey.set(key, line);
    this.#lines.push(line);
  }

  /** The line of that key: the visitor's own id of it, or the server's. */
  line(key: string): Line | undefined {
    return this.#byKey.get(key) ?? this.#byId.get(key);
  }

  /** Somebody has read the visitor's line of that key, and all before it. It may have no number yet. */
  read(key: string): void {
    this.#readKey = key;
    this.#readUpTo = Math.max(this.#readUpTo, this.#byKey.get(key)?.seq ?? 0);
  }

  /** The visitor's lines up to this number were read: it was told, or they were answered. */
  get readUpTo(): number {
    return Math.max(this.#readUpTo, this.lastHeard - 1);
  }

  /** The server has it, as number `seq` (none for what is no message of its own). */
  confirm(key: string, seq: number | null): void {
    const line = this.#byKey.get(key);
    if (!line) {
      if (seq !== null) this.#reach(seq);
      return;
    }
    line.delivery = "sent";
    if (line.seq !== null) return;
    if (seq !== null) {
      this.#place(line, seq);
      if (key === this.#readKey) this.read(key);
    } else line.order = this.#contiguous + 0.5;
  }

  mark(key: string, delivery: Delivery, reason = ""): void {
    const line = this.#byKey.get(key);
    if (!line || line.seq !== null) return;
    line.delivery = delivery;
    line.reason = reason;
  }

  /** Another conversation: forget everything that the server had numbered. */
  reset(): void {
    this.#lines = this.#lines.filter((line) => line.seq === null && line.delivery !== "sent");
    this.#bySeq.clear();
    this.#byKey.clear();
    this.#byId.clear();
    this.#turning = "";
    this.#readUpTo = 0;
    for (const line of this.#lines) this.#byKey.set(line.key, line);
    this.#contiguous = 0;
  }

  #place(line: Line, seq: number): void {
    line.seq = line.order = seq;
    this.#bySeq.set(seq, line);
    this.#reach(seq);
    this.#lines.sort((a, b) => a.order - b.order || 0);
  }

  #reach(seq: number): void {
    if (!this.#bySeq.has(seq)) this.#bySeq.set(seq, HIDDEN);
    while (this.#bySeq.has(this.#contiguous + 1)) this.#contiguous++;
  }
}

const EMPTY: Line = {
  key: "", id: "", from: "customer", text: "", plain: "", parts: {}, choice: "", reaction: "", version: 0, at: new Date(0),
  seq: null, order: Infinity, delivery: "waiting", reason: "",
};

/** Stands for a message that has a number but no line. */
const HIDDEN: Line = { ...EMPTY, from: "system", order: 0, delivery: "sent" };
