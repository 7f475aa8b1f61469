import type { Chat } from "../chat";
import type { Config } from "../config";
import type { Choice } from "../protocol";
import type { Texts } from "../texts";
import { Composer } from "./composer";
import { h } from "./dom";
import { Header } from "./header";
import { Lines } from "./lines";

export interface PanelActions {
  close(): void;
  say(text: string): boolean;
  pick(choice: Choice): void;
  restart(): void;
  retry(key: string): void;
}

/** The window with the conversation. */
export class Panel {
  readonly element: HTMLElement;
  readonly #header: Header;
  readonly #lines: Lines;
  readonly #composer: Composer;
  /** Speaks new messages; the list itself would read out the whole replay. */
  readonly #live = h("div", { class: "unseen", "aria-live": "polite" });

  constructor(actions: PanelActions) {
    this.#header = new Header(actions);
    this.#lines = new Lines({
      pick: (choice) => {
        actions.pick(choice);
        if (!touch()) this.#composer.focus();
      },
      retry: actions.retry,
    });
    this.#composer = new Composer(actions.say);
    this.element = h(
      "section",
      {
        class: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", tabindex: -1, inert: true,
        keydown: (event) => this.#key(event as KeyboardEvent, actions.close),
        pointerdown: (event) => this.#header.holds(event.composedPath()[0]) || this.#header.toggleMenu(false),
      },
      this.#header.element,
      this.#lines.element,
      this.#composer.element,
      this.#live,
    );
  }

  update(chat: Chat, name: string, config: Config, texts: Texts): void {
    this.#header.update(config.title || name, config.subtitle, chat.link, texts);
    this.#lines.update(chat.transcript.lines, chat.typing && config.behavior.typing_indicator, texts);
    this.#composer.update(texts, chat.link !== "stopped");
  }

  show(open: boolean, focus: boolean): void {
    this.element.toggleAttribute("inert", !open);
    this.#header.toggleMenu(false);
    if (!open) return;
    this.#lines.toEnd(false);
    if (!focus) return;
    // A phone's keyboard would cover the greeting.
    if (touch()) this.element.focus({ preventScroll: true });
    else this.#composer.focus();
  }

  announce(text: string): void {
    const line = h("p", {}, text);
    this.#live.append(line);
    setTimeout(() => line.remove(), 5000);
  }

  #key(event: KeyboardEvent, close: () => void): void {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    if (this.#header.menuOpen) this.#header.toggleMenu(false);
    else close();
  }
}

const touch = (): boolean => matchMedia("(pointer: coarse)").matches;
