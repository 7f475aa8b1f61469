import type { Choice } from "../protocol";
import { h, icon } from "./dom";
import { NEXT } from "./icons";

/** `live`: asked just now. `stale`: something else was said since; still works. `used`: answered. */
export type Asked = "live" | "stale" | "used";

/** The quick replies under a message: chips, or cards where they have descriptions. */
export class Choices {
  readonly element: HTMLElement;
  #asked: Asked | "" = "";

  constructor(choices: readonly Choice[], label: string, pick: (choice: Choice) => void) {
    const cards = choices.some((choice) => choice.description);
    this.element = h("div", { class: cards ? "choices cards" : "choices", role: "group", "aria-label": label });
    for (const choice of choices) {
      const button = h("button", { type: "button", class: "choice", click: () => pick(choice) });
      const title = h("span", { class: "title", dir: "auto" }, choice.title);
      if (cards) {
        const words = h("span", { class: "words" }, title);
        if (choice.description) words.append(h("span", { class: "description", dir: "auto" }, choice.description));
        button.append(words, icon(NEXT));
      } else button.append(title);
      this.element.append(button);
    }
  }

  update(asked: Asked): void {
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.element.hidden = asked === "used";
    this.element.classList.toggle("stale", asked === "stale");
  }
}
