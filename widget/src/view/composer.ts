import type { Kit } from "../parts";
import { MAX_TEXT, type Uploaded } from "../protocol";
import { words, type Texts } from "../texts";
import type { Limits } from "../upload";
import type { Attachments, Upload } from "./attachments";
import { h, icon } from "./dom";
import { CLIP, SEND } from "./icons";

const MOST_HEIGHT_PX = 132;

export interface ComposerActions {
  say(text: string): boolean;
  send(files: readonly Uploaded[], caption: string, shown: readonly string[]): boolean;
  readonly upload: Upload;
}

/** Where the visitor writes. Enter sends, Shift+Enter begins a new line; files are chosen, dropped or pasted. */
export class Composer {
  readonly element: HTMLFormElement;
  readonly #input: HTMLTextAreaElement;
  readonly #button: HTMLButtonElement;
  readonly #attach: HTMLButtonElement;
  readonly #chooser: HTMLInputElement;
  readonly #problem = h("p", { class: "problem", id: "problem", role: "alert", hidden: true });
  readonly #field: HTMLElement;
  #attachments: Attachments | null = null;
  readonly #actions: ComposerActions;
  #texts: Texts = words();
  #language = "";

  constructor(actions: ComposerActions) {
    this.#actions = actions;
    this.#input = h("textarea", {
      rows: 1, enterkeyhint: "send", autocomplete: "off", "aria-describedby": "problem",
      input: () => this.#changed(),
      keydown: (event) => this.#key(event as KeyboardEvent),
      paste: (event) => this.#pasted(event as ClipboardEvent),
    });
    this.#button = h("button", { class: "send", type: "submit", disabled: true }, icon(SEND));
    this.#chooser = h("input", { type: "file", multiple: true, hidden: true, change: () => this.#chosen() });
    this.#attach = h(
      "button",
      { class: "attach", type: "button", hidden: true, click: () => this.#chooser.click() },
      icon(CLIP),
    );
    this.#field = h("div", { class: "field" }, this.#attach, this.#chooser, this.#input, this.#button);
    const submit = (event: Event): void => this.#submit(event);
    this.element = h("form", { class: "composer", submit }, this.#problem, this.#field);
  }

  update(texts: Texts, language: string, available: boolean): void {
    this.#texts = texts;
    this.#language = language;
    this.#attach.setAttribute("aria-label", texts.attach);
    this.#attach.title = texts.attach;
    this.#input.placeholder = texts.placeholder;
    this.#input.setAttribute("aria-label", texts.placeholder);
    this.#button.setAttribute("aria-label", texts.send);
    this.#input.disabled = this.#attach.disabled = !available;
    this.#changed();
  }

  /** Files may go along. */
  allow(kit: Kit, limits: Limits): void {
    if (!this.#attachments) {
      this.#attachments = new kit.Attachments(this.#texts, this.#actions.upload, () => this.#changed());
      this.#field.before(this.#attachments.element);
      this.#attach.hidden = false;
    }
    this.#attachments.configure(this.#texts, this.#language, limits);
    this.#chooser.accept = limits.allowed_types.join(",");
  }

  focus(): void {
    this.#input.focus({ preventScroll: true });
  }

  /** Take files along with what is being written. */
  attach(files: Iterable<File>): void {
    this.#attachments?.add(files);
    this.focus();
  }

  #chosen(): void {
    const files = [...(this.#chooser.files ?? [])];
    this.#chooser.value = "";
    this.attach(files);
  }

  #pasted(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || !this.#attachments) return;
    event.preventDefault();
    this.attach(files);
  }

  #key(event: KeyboardEvent): void {
    // keyCode 229: an input method still composes (Safari says so only here)
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    this.#submit(event);
  }

  #submit(event: Event): void {
    event.preventDefault();
    if (this.#button.disabled) return;
    const text = this.#input.value.trim();
    const { ready = [], shown = [] } = this.#attachments ?? {};
    if (!(ready.length ? this.#actions.send(ready, text, shown) : this.#actions.say(text))) return;
    this.#attachments?.clear(true);
    this.#input.value = "";
    this.#changed();
    this.focus();
  }

  #changed(): void {
    const text = this.#input.value.trim();
    const long = tooLong(text);
    const { busy = false, ready = [], problem = "" } = this.#attachments ?? {};
    const wrong = this.#input.disabled ? this.#texts.unavailable_here : long ? this.#texts.too_long : problem;
    if (this.#problem.textContent !== wrong) this.#problem.textContent = wrong;
    this.#problem.hidden = !wrong;
    this.#input.setAttribute("aria-invalid", String(long));
    this.#button.disabled = busy || long || this.#input.disabled || !(text || ready.length);
    // An empty field keeps the page's direction, for its placeholder; what is written has its own.
    this.#input.dir = text ? "auto" : "";
    this.#input.style.height = "auto";
    if (this.#input.value) this.#input.style.height = `${Math.min(this.#input.scrollHeight, MOST_HEIGHT_PX)}px`;
  }
}

/** Code points, as the server counts; `length` counts UTF-16 units, which are never fewer. */
const tooLong = (text: string): boolean => text.length > MAX_TEXT && [...text].length > MAX_TEXT;
