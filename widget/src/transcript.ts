import type { Choice, Message, Sender } from "./protocol";

export type Delivery = "waiting" | "sending" | "sent" | "failed";

export interface Line {
  /** Stays the same while the line is on screen. */
  readonly key: string;
  readonly from: Sender;
  readonly text: string;
  readonly choices: readonly Choice[];
  readonly at: Date;
  /** Its place in the conversation; null until the server has given it one. */
  seq: number | null;
  /** Where it stands in the list: its number, or after what was there when it turned out to have none. */
  order: number;
  delivery: Delivery;
  /** Why it failed, in the server's words. */
  reason: string;
}

/**
 * The conversation as it is known here: every message once, in the order of its number, with what is not
 * yet sent at the end.
 */
export class Transcript {
  readonly #bySeq = new Map<number, Line>();
  readonly #byKey = new Map<string, Line>();
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

  /** Takes a message of the server; false when it was here already. */
  take(message: Message): boolean {
    if (this.#bySeq.has(message.seq)) return false;
    const own = message.client_id ? this.#byKey.get(message.client_id) : undefined;
    if (own) {
      this.confirm(own.key, message.seq);
      return false;
    }
    const line: Line = {
      key: message.client_id || message.id,
      from: message.from,
      text: message.text,
      choices: message.choices ?? [],
      at: new Date(message.at),
      seq: message.seq,
      order: message.seq,
      delivery: "sent",
      reason: "",
    };
    this.#byKey.set(line.key, line);
    this.#lines.push(line);
    this.#place(line, message.seq);
    return true;
  }

  /** A line that the visitor wrote and that is not sent yet. */
  add(key: string, text: string, at: Date): void {
    if (this.#byKey.has(key)) return;
    const line: Line = {
      key, from: "customer", text, choices: [], at, seq: null, order: Infinity, delivery: "waiting", reason: "",
    };
    this.#byKey.set(key, line);
    this.#lines.push(line);
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
    if (seq !== null) this.#place(line, seq);
    else line.order = this.#contiguous + 0.5;
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

/** Stands for a message that has a number but no line. */
const HIDDEN: Line = {
  key: "", from: "system", text: "", choices: [], at: new Date(0), seq: null, order: 0, delivery: "sent", reason: "",
};
