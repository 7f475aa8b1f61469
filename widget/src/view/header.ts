import type { Link } from "../connection";
import type { Texts } from "../texts";
import { h, icon } from "./dom";
import { CLOSE, MORE, RESTART } from "./icons";

export interface HeaderActions {
  close(): void;
  restart(): void;
}

/** The bot's name, the state of the connection, the menu, and the way out. */
export class Header {
  readonly element: HTMLElement;
  readonly #avatar = h("span", { class: "avatar", "aria-hidden": "true" });
  readonly #title = h("h2", { id: "title", dir: "auto" });
  readonly #state = h("p", { class: "state", role: "status", dir: "auto" });
  readonly #restart: HTMLButtonElement;
  readonly #more: HTMLButtonElement;
  readonly #close: HTMLButtonElement;
  readonly #menu: HTMLElement;
  /** Whether there ever was a connection: the first one is not a reconnection. */
  #connected = false;

  constructor(actions: HeaderActions) {
    this.#restart = h("button", { type: "button", role: "menuitem", click: () => this.#pick(actions.restart) });
    this.#menu = h("div", { class: "menu", id: "menu", role: "menu", hidden: true }, this.#restart);
    this.#more = h(
      "button",
      {
        class: "tool", type: "button", "aria-haspopup": "menu", "aria-controls": "menu", "aria-expanded": "false",
        click: () => this.toggleMenu(!this.menuOpen),
      },
      icon(MORE),
    );
    this.#close = h("button", { class: "tool", type: "button", click: () => actions.close() }, icon(CLOSE));
    const who = h("div", { class: "who" }, this.#title, this.#state);
    this.element = h("header", {}, this.#avatar, who, this.#more, this.#close, this.#menu);
    this.#menu.addEventListener("focusout", (event) => {
      const next = event.relatedTarget as Node | null;
      if (next && !this.#menu.contains(next) && next !== this.#more) this.toggleMenu(false);
    });
  }

  get menuOpen(): boolean {
    return !this.#menu.hidden;
  }

  toggleMenu(open: boolean): void {
    if (open === this.menuOpen) return;
    const inside = this.#menu.contains((this.element.getRootNode() as ShadowRoot).activeElement);
    this.#menu.hidden = !open;
    this.#more.setAttribute("aria-expanded", String(open));
    if (open) this.#restart.focus();
    else if (inside) this.#more.focus();
  }

  /** Whether an event happened in the menu or on its button. */
  holds(target: EventTarget | undefined): boolean {
    return target instanceof Node && (this.#menu.contains(target) || this.#more.contains(target));
  }

  update(name: string, subtitle: string, link: Link, texts: Texts): void {
    this.#connected ||= link === "online";
    this.#title.textContent = name;
    this.#avatar.textContent = [...name.trim()][0]?.toUpperCase() ?? "";
    const state = stateText(link, this.#connected, subtitle, texts);
    if (this.#state.textContent !== state) this.#state.textContent = state;
    this.#state.dataset["link"] = link === "online" || link === "off" ? "online" : "away";
    this.#more.setAttribute("aria-label", texts.menu);
    this.#close.setAttribute("aria-label", texts.close);
    this.#restart.replaceChildren(icon(RESTART), texts.restart);
  }

  #pick(action: () => void): void {
    this.toggleMenu(false);
    action();
  }
}

function stateText(link: Link, before: boolean, subtitle: string, texts: Texts): string {
  switch (link) {
    case "off":
    case "online":
      return subtitle || texts.online;
    case "connecting":
    case "waiting":
      if (!navigator.onLine) return texts.offline;
      return before ? texts.reconnecting : texts.connecting;
    case "stopped":
      return texts.unavailable;
  }
}
