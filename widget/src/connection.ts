import { backoff, restartDelay } from "./backoff";
import {
  CLOSED_POLICY,
  CLOSED_RESTART,
  CLOSED_TRY_LATER,
  CLOSED_UNKNOWN_BOT,
  CLOSED_WRONG_SITE,
  readFrame,
  type ClientFrame,
  type ServerFrame,
} from "./protocol";

/** `off`: not asked to connect. `stopped`: the server said that this page can't have this bot. */
export type Link = "off" | "connecting" | "online" | "waiting" | "stopped";

const PING_MS = 25_000;
const ANSWER_MS = 8_000;
/** After a wake, a socket that looks open may long be dead: find out faster. */
const WAKE_ANSWER_MS = 3_000;
const CONNECT_MS = 12_000;
const TICK_MS = 5_000;
/** A tick that comes this late means that the machine slept. */
const SLEPT_MS = 20_000;
const CAUTION_MS = 15_000;

export interface Handlers {
  /** The frame that opens a session. */
  hello(): ClientFrame;
  frame(frame: ServerFrame): void;
  link(link: Link): void;
}

/** One WebSocket at a time, opened again whenever it is lost, until `stop`. */
export class Connection {
  readonly #url: string;
  readonly #handlers: Handlers;
  #socket: WebSocket | null = null;
  #link: Link = "off";
  #attempt = 0;
  #retry = 0;
  #deadline = 0;
  #ping = 0;
  #lastTick = Date.now();

  constructor(url: string, handlers: Handlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  get link(): Link {
    return this.#link;
  }

  start(): void {
    if (this.#link !== "off") return;
    setInterval(() => this.#tick(), TICK_MS);
    window.addEventListener("online", () => this.wake(true));
    window.addEventListener("pageshow", (event) => event.persisted && this.wake(true));
    document.addEventListener("visibilitychange", () => !document.hidden && this.wake(false));
    this.#connect();
  }

  /** Sends when there is a session; false when there is none, so the caller keeps the frame. */
  send(frame: ClientFrame): boolean {
    if (this.#link !== "online" || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Something suggests that the network changed: connect now, or make sure that the socket is alive. */
  wake(certain: boolean): void {
    if (this.#link === "waiting" || (certain && this.#link === "online")) this.restart();
    else if (this.#link === "online") this.#probe(WAKE_ANSWER_MS);
  }

  /** Drops the socket and opens a new one at once. */
  restart(): void {
    if (this.#link === "off" || this.#link === "stopped") return;
    this.#drop();
    this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#become("connecting");
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.#url);
    } catch {
      this.#later(0); // a page's content security policy may forbid it
      return;
    }
    this.#socket = socket;
    this.#expect(CONNECT_MS);
    socket.onopen = () => socket.send(JSON.stringify(this.#handlers.hello()));
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#later(event.code);
  }

  #received(data: unknown): void {
    const frame = readFrame(data);
    if (frame === null) return;
    clearTimeout(this.#deadline);
    this.#deadline = 0;
    if (frame.type === "welcome") {
      this.#attempt = 0;
      this.#become("online");
      this.#schedulePing();
    }
    this.#handlers.frame(frame);
  }

  /** The socket is gone; try again when it makes sense. */
  #later(code: number): void {
    this.#drop();
    if (code === CLOSED_UNKNOWN_BOT || code === CLOSED_WRONG_SITE) {
      this.#become("stopped");
      return;
    }
    let delay = code === CLOSED_RESTART ? restartDelay() : backoff(this.#attempt++);
    if (code === CLOSED_TRY_LATER) delay += 1000;
    if (code === CLOSED_POLICY) delay += CAUTION_MS;
    this.#retry = setTimeout(() => this.#connect(), delay);
    this.#become("waiting");
  }

  #drop(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#ping);
    clearTimeout(this.#retry);
    this.#deadline = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #schedulePing(): void {
    clearTimeout(this.#ping);
    this.#ping = setTimeout(() => this.#probe(ANSWER_MS), PING_MS);
  }

  #probe(patience: number): void {
    if (!this.send({ type: "ping" })) return;
    this.#expect(patience);
    this.#schedulePing();
  }

  /** Any frame within `patience`, or the socket counts as dead. */
  #expect(patience: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#later(0), patience);
  }

  #tick(): void {
    const now = Date.now();
    if (now - this.#lastTick > SLEPT_MS && !document.hidden) this.wake(true);
    this.#lastTick = now;
  }

  #become(link: Link): void {
    if (this.#link === link) return;
    this.#link = link;
    this.#handlers.link(link);
  }
}
