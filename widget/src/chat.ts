import { backoff } from "./backoff";
import { Connection, type Link } from "./connection";
import { Outbox, type Waiting } from "./outbox";
import type { Ack, Choice, Message, Refusal, Said, ServerFrame, Uploaded, Welcome } from "./protocol";
import { Reactions } from "./reactions";
import { Receipts } from "./receipts";
import { lineOf } from "./said";
import { Keep } from "./storage";
import { Transcript, type Line } from "./transcript";
import { uuid } from "./uuid";

const ACK_MS = 15_000;
const RESUME_MS = 2_000;
const MOST_TYPING_MS = 15_000;

export interface Chatting {
  /** Something changed: lines, link, typing or unread. */
  changed(): void;
  /** The channel's settings, as the server tells them now. */
  welcomed(name: string, settings: unknown): void;
  /** A message that came while the page was open. */
  heard(message: Message): void;
}

export interface Place {
  readonly url: string;
  readonly local: Keep;
  readonly session: Keep;
  /** What the page gives the visitor along. */
  readonly payload: string;
}

/** One visitor's conversation with one bot: the transcript, and everything that keeps it true. */
export class Chat {
  readonly transcript = new Transcript();
  readonly reactions: Reactions;
  readReceipts = true;
  /** Milliseconds that the bot has to be typing before that shows. */
  typingDelay = 0;
  readonly #view: Chatting;
  readonly #local: Keep;
  readonly #outbox: Outbox;
  readonly #connection: Connection;
  #conversation = "";
  #sentToken: string | null = null;
  #inFlight = "";
  #tries = 0;
  #timer = 0;
  readonly #receipts: Receipts;
  #typing = 0;
  #typingSoon = 0;
  readonly #payload: string;
  #arrivals: (() => void)[] = [];
  #replayUpTo = 0;
  #resuming = 0;
  /** The highest number that the server has pushed. */
  #pushed = 0;
  readonly #refusedFrames = new Map<string, Said>();
  /** Addresses of this page's own for files that it sent. */
  readonly #shown = new Map<string, string>();
  #reading = false;
  #opened = false;

  constructor(place: Place, view: Chatting) {
    this.#view = view;
    this.#local = place.local;
    this.#payload = place.payload;
    this.reactions = new Reactions(place.local);
    this.#outbox = new Outbox(place.session);
    for (const { frame, at } of this.#outbox.all) this.#show(frame, at);
    this.#connection = new Connection(place.url, {
      hello: () => this.#hello(),
      frame: (frame) => this.#took(frame),
      link: (link) => this.#linked(link),
    });
    this.#receipts = new Receipts((frame) => this.#connection.send(frame));
  }

  get link(): Link {
    return this.#connection.link;
  }

  get typing(): boolean {
    return this.#typing !== 0;
  }

  get unread(): number {
    return this.transcript.unread(this.#lastRead);
  }

  /** Whether this browser has talked to the bot before. */
  get known(): boolean {
    return this.#local.get("token") !== null || this.#outbox.all.length > 0;
  }

  connect(): void {
    this.#connection.start();
  }

  /** The panel is open: the bot may greet. */
  open(): void {
    this.#opened = true;
    this.connect();
    this.#greet();
  }

  /** Whether the visitor sees the messages now. */
  set reading(reading: boolean) {
    this.#reading = reading;
    this.#report();
  }

  say(text: string): boolean {
    return this.#say({ type: "text", id: uuid(), text });
  }

  choose(choice: Choice): boolean {
    this.transcript.turn(choice.id);
    return this.#say({ type: "choice", id: uuid(), choice: choice.id, title: choice.title });
  }

  /** `shown`: where this page has the files itself, so that they need not be fetched. */
  sendFiles(files: readonly Uploaded[], caption: string, shown: readonly string[]): boolean {
    files.forEach((file, index) => this.#shown.set(file.media, shown[index] ?? ""));
    return this.#say({ type: "file", id: uuid(), files, caption });
  }

  shareLocation(latitude: number, longitude: number): boolean {
    return this.#say({ type: "location", id: uuid(), latitude, longitude });
  }

  shareContact(name: string, phone: string): boolean {
    return this.#say({ type: "contact", id: uuid(), phone, name });
  }

  /** Put an emoji to a message, or take it back when it is there already. */
  react(line: Line, emoji: string): void {
    const now = this.reactions.toggle(line.id, emoji);
    this.#say({ type: "reaction", id: uuid(), message: line.id, emoji: now ? [now] : [] });
  }

  /** The visitor's token, as soon as there is a session. */
  async token(): Promise<string> {
    this.connect();
    while (this.link !== "online") await new Promise<void>((arrived) => this.#arrivals.push(arrived));
    return this.#local.get("token") ?? "";
  }

  restart(): boolean {
    return this.#say({ type: "command", id: uuid(), command: "restart" });
  }

  /** Send again what the server refused, or what waits for the next try. */
  retry(key: string): void {
    const refused = this.#refusedFrames.get(key);
    if (refused && this.transcript.line(key)?.delivery === "failed") this.#say(refused);
    this.#connection.wake(false);
    this.#flush();
  }

  // Sending

  #say(frame: Said): boolean {
    if (this.#outbox.full) return false;
    const at = Date.now();
    this.#outbox.add(frame, at);
    this.#show(frame, at);
    this.connect();
    this.#flush();
    this.#view.changed();
    return true;
  }

  #show(frame: Said, at: number): void {
    const said = lineOf(frame, this.#shown);
    if (!said) return;
    this.transcript.add(frame.id, said, new Date(at));
    this.transcript.mark(frame.id, "waiting");
  }

  #flush(): void {
    const head = this.#outbox.head;
    if (!head || this.#inFlight) return;
    if (!this.#connection.send(head.frame)) return;
    this.#inFlight = head.frame.id;
    this.transcript.mark(head.frame.id, "sending");
    this.#after(ACK_MS, () => this.#connection.restart());
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  #settled(id: string): Waiting | undefined {
    if (this.#inFlight === id) {
      this.#inFlight = "";
      this.#tries = 0;
      clearTimeout(this.#timer);
    }
    return this.#outbox.remove(id);
  }

  #greet(): void {
    if (!this.#opened || this.link !== "online" || this.#conversation || this.#outbox.has("open")) return;
    if (this.#outbox.all.length) return; // the visitor spoke first
    this.#outbox.add({ type: "open", id: uuid() }, Date.now());
    this.#flush();
  }

  // Receiving

  #hello() {
    this.#sentToken = this.#local.get("token");
    return {
      type: "hello" as const,
      ...(this.#sentToken ? { token: this.#sentToken } : {}),
      conversation: this.#conversation,
      seq: this.transcript.contiguous,
      language: document.documentElement.lang || navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "",
      page: (location.origin + location.pathname).slice(0, 2000),
      title: [...document.title].slice(0, 200).join(""),
      payload: this.#payload,
    };
  }

  #linked(link: Link): void {
    if (link !== "online") {
      this.#inFlight = "";
      clearTimeout(this.#timer);
      this.#setTyping(0);
      for (const { frame } of this.#outbox.all) this.transcript.mark(frame.id, "waiting");
    }
    this.#view.changed();
  }

  #took(frame: ServerFrame): void {
    switch (frame.type) {
      case "welcome":
        return this.#welcome(frame);
      case "message":
        return this.#message(frame);
      case "ack":
        return this.#ack(frame);
      case "error":
        return this.#refused(frame);
      case "typing":
        return this.#typed(Math.min(frame.ms, MOST_TYPING_MS));
      case "read":
        this.transcript.read(frame.message);
        return this.#view.changed();
    }
  }

  #welcome(frame: Welcome): void {
    const stored = this.#local.get("token");
    if (!this.#sentToken && stored && !frame.conversation && stored !== frame.token) {
      this.#connection.restart(); // another tab was first: be the same visitor
      return;
    }
    this.#local.set("token", frame.token);
    const other = this.#conversation !== "" && frame.conversation !== this.#conversation;
    if (other || frame.seq < this.transcript.contiguous) this.#forget();
    this.#conversation = frame.conversation;
    this.#replayUpTo = frame.seq;
    this.#receipts.forget();
    const { appearance, behavior, loading } = frame;
    this.#view.welcomed(frame.bot.name, { appearance, behavior, loading });
    for (const arrived of this.#arrivals.splice(0)) arrived();
    this.#greet();
    this.#flush();
    this.#report();
    this.#view.changed();
  }

  #message(frame: Message): void {
    if (frame.from !== "customer") this.#setTyping(0);
    const fresh = this.transcript.take(frame);
    if (frame.client_id) this.#settled(frame.client_id);
    this.#pushed = Math.max(this.#pushed, frame.seq);
    this.#resume();
    if (fresh && frame.seq > this.#replayUpTo) this.#view.heard(frame);
    this.#report();
    this.#view.changed();
  }

  /** If a message is missing, ask for it, and again as long as it is missing. The server pushes in order, so a
   * pushed message that jumps shows it; an ack that jumps does not: the bot may just take its time. */
  #resume(): void {
    if (this.#resuming || this.#pushed <= this.transcript.contiguous) return;
    this.#connection.send({ type: "resume", seq: this.transcript.contiguous });
    this.#resuming = setTimeout(() => {
      this.#resuming = 0;
      this.#resume();
    }, RESUME_MS);
  }

  #ack(frame: Ack): void {
    if (frame.conversation) {
      if (this.#conversation) this.#forget();
      this.#conversation = frame.conversation;
    }
    this.#settled(frame.id);
    this.transcript.confirm(frame.id, frame.seq ?? null);
    this.#flush();
    this.#view.changed();
  }

  #refused(frame: Refusal): void {
    const id = frame.id ?? this.#inFlight;
    if (!id || id !== this.#inFlight) return;
    if (frame.retry) {
      this.transcript.mark(id, "waiting");
      this.#after(backoff(this.#tries++) + 500, () => {
        this.#inFlight = "";
        this.#flush();
      });
    } else {
      const refused = this.#settled(id);
      if (refused) this.#refusedFrames.set(id, refused.frame);
      this.transcript.mark(id, "failed", frame.message);
      this.#flush();
    }
    this.#view.changed();
  }

  /** The server goes on with another conversation. */
  #forget(): void {
    this.transcript.reset();
    this.#replayUpTo = this.#pushed = 0;
  }

  /** The bot is typing: show it, but not for an answer that comes at once. */
  #typed(ms: number): void {
    if (!this.typingDelay || this.typing) return this.#setTyping(ms);
    clearTimeout(this.#typingSoon);
    this.#typingSoon = setTimeout(() => this.#setTyping(ms), this.typingDelay);
  }

  #setTyping(ms: number): void {
    clearTimeout(this.#typingSoon);
    clearTimeout(this.#typing);
    this.#typing = ms ? setTimeout(() => this.#setTyping(0), ms) : 0;
    this.#view.changed();
  }

  // Receipts

  /** The last message that the visitor has seen, in whatever tab. */
  get #lastRead(): number {
    const [conversation, seq] = (this.#local.get("read") ?? "").split(" ");
    return conversation === this.#conversation ? Number(seq) || 0 : 0;
  }

  #report(): void {
    const seq = this.transcript.lastHeard;
    if (!seq) return;
    if (this.#reading && seq > this.#lastRead) this.#local.set("read", `${this.#conversation} ${seq}`);
    this.#receipts.report(seq, () => this.#reading && this.readReceipts);
  }
}
