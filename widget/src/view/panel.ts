import type { Chat } from "../chat";
import type { Config } from "../config";
import type { Kit } from "../parts";
import type { Choice } from "../protocol";
import type { Texts } from "../texts";
import { Composer, type ComposerActions } from "./composer";
import { h, icon } from "./dom";
import { CLIP } from "./icons";
import { Header } from "./header";
import { Lines, type LinesActions } from "./lines";

export interface PanelActions extends ComposerActions, LinesActions {
  close(): void;
  restart(): void;
}

/** What the panel is to show. */
export interface Scene {
  readonly kit: Kit | null | undefined;
  readonly chat: Chat;
  readonly name: string;
  readonly config: Config;
  readonly texts: Texts;
  readonly language: string;
  readonly base: string;
}

/** The window with the conversation. */
export class Panel {
  readonly element: HTMLElement;
  readonly #header: Header;
  readonly #lines: Lines;
  readonly #composer: Composer;
  /** Speaks new messages; the list itself would read out the whole replay. */
  readonly #live = h("div", { class: "unseen", "aria-live": "polite" });
  readonly #drop = h("div", { class: "drop", "aria-hidden": "true" });
  #uploads = false;

  constructor(actions: PanelActions) {
    this.#header = new Header(actions);
    this.#lines = new Lines({
      ...actions,
      pick: (choice: Choice) => {
        actions.pick(choice);
        if (!touch()) this.#composer.focus();
      },
    });
    this.#composer = new Composer(actions);
    this.element = h(
      "section",
      {
        class: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", tabindex: -1, inert: true,
        keydown: (event) => this.#key(event as KeyboardEvent, actions.close),
        pointerdown: (event) => this.#header.holds(event.composedPath()[0]) || this.#header.toggleMenu(false),
        dragover: (event) => this.#dragged(event as DragEvent),
        dragleave: (event) => this.#left(event as DragEvent),
        drop: (event) => this.#dropped(event as DragEvent),
      },
      this.#header.element,
      this.#lines.element,
      this.#composer.element,
      this.#drop,
      this.#live,
    );
  }

  update({ kit, chat, name, config, texts, language, base }: Scene): void {
    const { behavior, loading } = config;
    this.#uploads = Boolean(kit) && behavior.file_upload.enabled && chat.link !== "stopped";
    this.#drop.replaceChildren(icon(CLIP), texts.drop);
    this.#header.update(config.title || name, config.subtitle, chat.link, texts);
    this.#lines.update(chat.transcript, {
      kit, texts, language, base,
      nearPx: loading.near_px,
      typing: chat.typing && behavior.typing_indicator,
      reactions: behavior.reactions ? chat.reactions : null,
    });
    this.#composer.update(texts, language, chat.link !== "stopped");
    if (kit && this.#uploads) this.#composer.allow(kit, behavior.file_upload);
  }

  show(open: boolean, focus: boolean): void {
    this.element.toggleAttribute("inert", !open);
    this.#header.toggleMenu(false);
    this.#lines.show(open);
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

  #dragged(event: DragEvent): void {
    if (!this.#uploads || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    this.element.classList.add("dropping");
  }

  #left(event: DragEvent): void {
    if (!this.element.contains(event.relatedTarget as Node | null)) this.element.classList.remove("dropping");
  }

  #dropped(event: DragEvent): void {
    if (!this.element.classList.contains("dropping")) return;
    event.preventDefault();
    this.element.classList.remove("dropping");
    this.#composer.attach([...(event.dataTransfer?.files ?? [])]);
  }
}

const touch = (): boolean => matchMedia("(pointer: coarse)").matches;
