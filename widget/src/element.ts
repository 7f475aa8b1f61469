import { openByItself } from "./autoopen";
import { Chat } from "./chat";
import { inkOn } from "./colors";
import { configure, type Config } from "./config";
import { fetchKit } from "./kit";
import type { Kit } from "./parts";
import type { Message } from "./protocol";
import { Keep } from "./storage";
import css from "./styles.css";
import { isRightToLeft, words, type Texts } from "./texts";
import { h } from "./view/dom";
import { Launcher } from "./view/launcher";
import type { Lightbox } from "./view/lightbox";
import { spoken } from "./view/line";
import { Panel } from "./view/panel";

/** What a page may ask of the widget: `document.querySelector("channel-gateway-widget").command({type: "open"})` */
export type Command =
  | { readonly type: "open" }
  | { readonly type: "close" }
  | { readonly type: "toggle" }
  | { readonly type: "say"; readonly text: string };

export interface Bot {
  /** The public id of the channel. */
  readonly id: string;
  /** Where the server is: the address of `widget.js` without its name. */
  readonly base: string;
  /** What the page itself configures. */
  readonly own: unknown;
  /** What the page gives the visitor along. */
  readonly payload: string;
  /** By which the page's content security policy trusts the script, if it does. */
  readonly nonce: string;
}

/** What the server tells about the channel, if it could be asked. */
export interface Told {
  readonly bot?: { readonly name?: string };
  /** The widget's own words, and the tag of their language; English when there are none. */
  readonly words?: unknown;
  readonly language?: string;
}

export const TAG = "channel-gateway-widget";

const dark = matchMedia("(prefers-color-scheme: dark)");

export class ChannelGatewayWidget extends HTMLElement {
  readonly #root = h("div", { class: "root" });
  #chat: Chat | null = null;
  #panel: Panel | null = null;
  #launcher: Launcher | null = null;
  #lightbox: Lightbox | null = null;
  #kit: Kit | null | undefined;
  #nonce = "";
  #session: Keep | null = null;
  #own: unknown = {};
  #config: Config = configure();
  #texts: Texts = words();
  #translated: unknown = {};
  #language = "";
  #name = "";
  #base = "";
  #open = false;
  #drawing = 0;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).append(this.#root);
    this.#dress(css);
  }

  #dress(css: string): void {
    const shadow = this.shadowRoot!;
    try {
      const sheet = new CSSStyleSheet(); // allowed by every content security policy
      sheet.replaceSync(css);
      shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
    } catch {
      shadow.prepend(h("style", {}, css)); // Safari before 16.4
    }
  }

  /** Begin. */
  start(bot: Bot, told: Told): void {
    if (this.#chat) return;
    this.#own = bot.own;
    this.#base = bot.base;
    this.#nonce = bot.nonce;
    this.#name = told.bot?.name ?? "";
    this.#translated = told.words;
    this.#language = told.language ?? "";
    this.#session = new Keep(bot.id, () => sessionStorage);
    const address = (what: string): URL => new URL(`widget/${encodeURIComponent(bot.id)}/${what}`, bot.base);
    const socket = address("socket");
    socket.protocol = socket.protocol === "https:" ? "wss:" : "ws:";
    const local = new Keep(bot.id, () => localStorage);
    this.#chat = new Chat({ url: socket.href, local, session: this.#session, payload: bot.payload }, {
      changed: () => this.#draw(),
      welcomed: (name, settings) => this.#welcomed(name, settings),
      heard: (message) => this.#heard(message),
    });
    this.#build(this.#chat, address("media"));
    this.#configure(told);
    this.#listen();
    this.#draw();
    if (this.#chat.known || this.#config.loading.preload) this.#chat.connect();
    if (this.#config.loading.preload) void this.#equip();
    const remembered = this.#session.get("open");
    if (remembered === "yes") this.#show(true, false);
    else if (remembered === null) openByItself(this.#config.behavior, () => this.#show(true, false));
  }

  command(command: Command): void {
    switch (command.type) {
      case "open":
        return this.#show(true);
      case "close":
        return this.#show(false);
      case "toggle":
        return this.#show(!this.#open);
      case "say":
        this.#chat?.say(command.text);
    }
  }

  #build(chat: Chat, media: URL): void {
    this.#launcher = new Launcher(() => this.#show(!this.#open));
    this.#panel = new Panel({
      close: () => this.#show(false),
      say: (text) => chat.say(text),
      send: (files, caption, shown) => chat.sendFiles(files, caption, shown),
      upload: async (file, progress, signal) =>
        this.#kit!.upload(media, await chat.token(), file, progress, signal),
      pick: (choice) => chat.choose(choice),
      restart: () => chat.restart(),
      retry: (key) => chat.retry(key),
      react: (line, emoji) => chat.react(line, emoji),
      shareLocation: (latitude, longitude) => chat.shareLocation(latitude, longitude),
      shareContact: (name, phone) => chat.shareContact(name, phone),
      enlarge: (pictures, first) => this.#lightbox?.open(pictures, first, this.#texts),
    });
    this.#root.append(this.#panel.element, this.#launcher.element);
  }

  /** Get what shows more than words, once. */
  async #equip(): Promise<void> {
    if (this.#kit !== undefined) return;
    const kit = await fetchKit(this.#base, this.#nonce);
    if (this.#kit !== undefined) return;
    this.#kit = kit;
    if (kit) {
      this.#dress(kit.css);
      this.#lightbox = new kit.Lightbox();
      this.#root.append(this.#lightbox.element);
    }
    this.#draw();
  }

  #listen(): void {
    document.addEventListener("visibilitychange", () => this.#see());
    dark.addEventListener("change", () => this.#paint());
    window.addEventListener("storage", () => this.#draw());
    for (const event of ["online", "offline"]) window.addEventListener(event, () => this.#draw());
    const view = visualViewport;
    view?.addEventListener("resize", () => this.#fit(view));
    view?.addEventListener("scroll", () => this.#fit(view));
  }

  #paint(): void {
    const { mode } = this.#config.theme;
    this.#root.classList.toggle("dark", mode === "dark" || (mode === "auto" && dark.matches));
  }

  /** On a phone the panel fills what the keyboard leaves. */
  #fit(view: VisualViewport): void {
    if (view.scale !== 1) return; // zoomed in by hand
    this.#root.style.setProperty("--seen-height", `${view.height}px`);
    this.#root.style.setProperty("--seen-top", `${view.offsetTop}px`);
  }

  #welcomed(name: string, settings: unknown): void {
    this.#name = name;
    this.#configure(settings);
  }

  #configure(settings: unknown): void {
    const { behavior, loading } = this.#config; // an older server tells them only once
    const config = configure({ behavior, loading }, settings, this.#own);
    this.#config = config;
    this.#texts = words(this.#translated, config.texts);
    if (this.#chat) {
      this.#chat.readReceipts = config.behavior.read_receipts;
      this.#chat.typingDelay = config.loading.typing_ms;
    }
    this.#paint();
    const { style, dataset } = this.#root;
    const variables: Record<string, string | null> = {
      "--accent": config.theme.accent,
      "--on-accent": inkOn(config.theme.accent),
      "--x": `${config.offset.x}px`,
      "--y": `${config.offset.y}px`,
      "--width": config.size.width,
      "--height": config.size.height,
      "--min-height": config.size.min_height,
      "--tablet-width": config.responsive.tablet.width,
      "--tablet-height": config.responsive.tablet.height,
      "--mobile-width": config.responsive.mobile.width,
      "--mobile-height": config.responsive.mobile.height,
      "--duration": `${config.animation.duration}ms`,
      "--easing": config.animation.easing,
    };
    for (const [name, value] of Object.entries(variables)) style.setProperty(name, value);
    dataset["corner"] = config.position;
    dataset["enter"] = config.animation.entrance;
    dataset["exit"] = config.animation.exit;
    dataset["sheet"] = config.responsive.mobile.height === "100%" ? "full" : config.responsive.mobile.position;
  }

  /** `focus`: the visitor did it, so the focus follows. What opens by itself takes nobody's focus away. */
  #show(open: boolean, focus = true): void {
    if (!this.#chat || open === this.#open) return;
    this.#open = open;
    this.#session?.set("open", open ? "yes" : "no");
    this.#root.classList.toggle("open", open);
    this.#render();
    if (open) this.#chat.open();
    if (open) void this.#equip();
    this.#panel?.show(open, focus);
    if (!open && focus) this.#launcher?.element.focus({ preventScroll: true });
    this.#see();
  }

  #see(): void {
    if (this.#chat) this.#chat.reading = this.#open && !document.hidden;
    this.#draw();
  }

  #heard(message: Message): void {
    if (message.from === "customer" || !this.#open) return;
    const words = spoken({ text: message.words ?? message.text, parts: message }, this.#texts);
    this.#panel?.announce(`${this.#name}: ${words}`);
  }

  /** Draw soon, once for everything that changes together. A hidden page draws nothing by frames. */
  #draw(): void {
    if (this.#drawing) return;
    const render = (): void => {
      this.#drawing = 0;
      this.#render();
    };
    this.#drawing = document.hidden ? setTimeout(render, 50) : requestAnimationFrame(render);
  }

  #render(): void {
    if (!this.#chat) return;
    this.#root.lang = this.#language || "en";
    const page = getComputedStyle(document.documentElement).direction;
    this.#root.dir = isRightToLeft(this.#language) ? "rtl" : page;
    const unread = this.#config.behavior.notification_badge ? this.#chat.unread : 0;
    this.#launcher?.update(this.#open, unread, this.#texts);
    this.#panel?.update({
      kit: this.#kit, chat: this.#chat, name: this.#name, config: this.#config, texts: this.#texts, language: this.#language,
      base: this.#base,
    });
  }
}
