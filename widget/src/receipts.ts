import type { ClientFrame } from "./protocol";

const RECEIPT_MS = 300;

/** Tells the server how far messages have arrived, and have been read; several at once, each state once. */
export class Receipts {
  readonly #send: (frame: ClientFrame) => boolean;
  #timer = 0;
  #told = { seq: 0, state: "" };

  constructor(send: (frame: ClientFrame) => boolean) {
    this.#send = send;
  }

  /** Another session: what was told before may not have arrived. */
  forget(): void {
    this.#told = { seq: 0, state: "" };
  }

  /** Everything up to `seq` is here; `read` tells, a little later, whether the visitor has seen it. */
  report(seq: number, read: () => boolean): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const state = read() ? "read" : "delivered";
      const told = this.#told;
      if (seq < told.seq || (seq === told.seq && (told.state === "read" || told.state === state))) return;
      if (this.#send({ type: "receipt", seq, state })) this.#told = { seq, state };
    }, RECEIPT_MS);
  }
}
