import { MAX_TEXT } from "../protocol";
import type { Texts } from "../texts";
import { h, icon } from "./dom";

const MOST_HEIGHT_PX = 132;

/** Where the visitor writes. Enter sends, Shift+Enter begins a new line. */
export class Composer {
  readonly element: HTMLFormElement;
  readonly #input: HTMLTextAreaElement;
  readonly #button: HTMLButtonElement;
  readonly #problem = h("p", { class: "problem", id: "problem", role: "alert", hidden: true });
  readonly #say: (text: string) => boolean;

  constructor(say: (text: string) => boolean) {
    this.#say = say;
    this.#input = h("textarea", {
      rows: 1, enterkeyhint: "send", autocomplete: "off", "aria-describedby": "problem",
      input: () => this.#changed(),
      keydown: (event) => this.#key(event as KeyboardEvent),
    });
    this.#button = h("button", { class: "send", type: "submit", disabled: true }, icon("send"));
    this.element = h(
      "form",
      { class: "composer", submit: (event) => this.#submit(event) },
      this.#problem,
      h("div", { class: "field" }, this.#input, this.#button),
    );
  }

  update(texts: Texts, available: boolean): void {
    this.#input.placeholder = texts.placeholder;
    this.#input.setAttribute("aria-label", texts.placeholder);
    this.#button.setAttribute("aria-label", texts.send);
    this.#problem.textContent = available ? texts.too_long : texts.unavailable_here;
    this.#input.disabled = !available;
    this.#changed();
  }

  focus(): void {
    this.#input.focus({ preventScroll: true });
  }

  #key(event: KeyboardEvent): void {
    // keyCode 229: an input method still composes (Safari says so only here)
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    this.#submit(event);
  }

  #submit(event: Event): void {
    event.preventDefault();
    const text = this.#input.value.trim();
    if (!text || tooLong(text) || !this.#say(text)) return;
    this.#input.value = "";
    this.#changed();
    this.focus();
  }

  #changed(): void {
    const text = this.#input.value.trim();
    const long = tooLong(text);
    this.#problem.hidden = !long && !this.#input.disabled;
    this.#input.setAttribute("aria-invalid", String(long));
    this.#button.disabled = !text || long || this.#input.disabled;
    // An empty field keeps the page's direction, for its placeholder; what is written has its own.
    this.#input.dir = text ? "auto" : "";
    this.#input.style.height = "auto";
    if (this.#input.value) this.#input.style.height = `${Math.min(this.#input.scrollHeight, MOST_HEIGHT_PX)}px`;
  }
}

/** Code points, as the server counts; `length` counts UTF-16 units, which are never fewer. */
const tooLong = (text: string): boolean => text.length > MAX_TEXT && [...text].length > MAX_TEXT;
