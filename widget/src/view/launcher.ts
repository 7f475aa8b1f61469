import type { Texts } from "../texts";
import { h, icon } from "./dom";
import { CHAT, DOWN } from "./icons";

const MOST_SHOWN = 9;

/** The round button in the corner, with the number of unread messages. */
export class Launcher {
  readonly element: HTMLButtonElement;
  readonly #badge = h("span", { class: "badge", "aria-hidden": "true" });

  constructor(toggle: () => void) {
    this.element = h(
      "button",
      { class: "launcher", type: "button", "aria-haspopup": "dialog", "aria-controls": "panel", click: toggle },
      icon(CHAT, true),
      icon(DOWN),
      this.#badge,
    );
  }

  update(open: boolean, unread: number, texts: Texts): void {
    const shown = open ? 0 : unread;
    const label = open ? texts.close : shown ? `${texts.open} (${shown} ${texts.unread})` : texts.open;
    this.element.setAttribute("aria-label", label);
    this.element.setAttribute("aria-expanded", String(open));
    this.#badge.textContent = shown > MOST_SHOWN ? `${MOST_SHOWN}+` : String(shown);
    this.#badge.classList.toggle("shown", shown > 0);
  }
}
