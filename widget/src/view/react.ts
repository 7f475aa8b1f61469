import type { Texts } from "../texts";
import { h, icon } from "./dom";
import { SMILE } from "./icons";

const OFFERED = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** The emoji at a message: those that are there, and for the visitor a few to put there. */
export class ReactionBar {
  readonly element = h("div", { class: "reactions" });
  readonly #texts: Texts;
  readonly #react: (emoji: string) => void;
  readonly #palette: HTMLElement;
  readonly #open: HTMLButtonElement;
  #shown = "";

  constructor(texts: Texts, react: (emoji: string) => void) {
    this.#texts = texts;
    this.#react = react;
    this.#palette = h("div", { class: "palette", role: "group", "aria-label": texts.react, hidden: true });
    this.#open = h("button", { type: "button", class: "react", "aria-label": texts.react, "aria-expanded": "false" });
    this.#open.append(icon(SMILE));
    this.#open.addEventListener("click", () => this.#toggle(Boolean(this.#palette.hidden)));
    this.element.addEventListener("focusout", (event) => {
      const next = event.relatedTarget as Node | null;
      if (next && !this.element.contains(next)) this.#toggle(false);
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#palette.hidden) return;
      event.stopPropagation();
      this.#toggle(false);
      this.#open.focus();
    });
  }

  /** `own`: the visitor's, null where there can be none. `theirs`: the bot's. */
  update(own: string | null, theirs: string): void {
    const shown = `${own ?? "-"} ${theirs}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const there: Node[] = [];
    if (theirs) there.push(h("span", { class: "emoji" }, this.#label(), theirs));
    if (own) {
      const back = (): void => this.#react(own);
      there.push(h("button", { type: "button", class: "emoji", click: back }, this.#label(), own));
    }
    const chips = there.length ? [h("div", { class: "chips" }, ...there)] : [];
    this.element.replaceChildren(...chips, ...(own === null ? [] : [this.#open, this.#palette]));
  }

  #label(): Node {
    return h("span", { class: "unseen" }, `${this.#texts.reaction}: `);
  }

  #toggle(open: boolean): void {
    this.#palette.hidden = !open;
    this.#open.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const buttons = OFFERED.map((emoji) => {
      const pick = (): void => {
        this.#toggle(false);
        this.#react(emoji);
      };
      return h("button", { type: "button", click: pick }, emoji);
    });
    this.#palette.replaceChildren(...buttons);
    buttons[0]?.focus({ preventScroll: true });
  }
}
