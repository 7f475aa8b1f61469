import type { Texts } from "../texts";
import { h, icon } from "./dom";
import { BACK, CLOSE, NEXT } from "./icons";
import type { Picture } from "./shown";

/** Pictures in full size over the whole page. The dialog is modal: the browser keeps the focus in, Escape closes. */
export class Lightbox {
  readonly element = h("dialog", { class: "lightbox" });
  readonly #image = h("img", { alt: "" });
  readonly #count = h("span", { class: "count" });
  readonly #close = h("button", { type: "button", class: "shut", click: () => this.element.close() }, icon(CLOSE));
  readonly #before = h("button", { type: "button", class: "before", click: () => this.#step(-1) }, icon(BACK));
  readonly #after = h("button", { type: "button", class: "after", click: () => this.#step(1) }, icon(NEXT));
  #pictures: readonly Picture[] = [];
  #at = 0;

  constructor() {
    this.element.append(this.#image, this.#before, this.#after, this.#close, this.#count);
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
    this.element.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) this.#step(this.element.matches(":dir(rtl)") ? -step : step);
    });
    this.element.addEventListener("close", () => this.#image.removeAttribute("src"));
  }

  open(pictures: readonly Picture[], first: number, texts: Texts): void {
    this.#pictures = pictures;
    this.#close.setAttribute("aria-label", texts.close_picture);
    this.#before.setAttribute("aria-label", texts.previous);
    this.#after.setAttribute("aria-label", texts.next);
    this.#before.hidden = this.#after.hidden = this.#count.hidden = pictures.length < 2;
    this.#show(first);
    this.element.showModal();
    this.#close.focus();
  }

  #step(by: number): void {
    const count = this.#pictures.length;
    if (count > 1) this.#show((this.#at + by + count) % count);
  }

  #show(index: number): void {
    const picture = this.#pictures[index];
    if (!picture) return;
    this.#at = index;
    this.#image.src = picture.source;
    this.#image.alt = picture.alt;
    this.element.setAttribute("aria-label", picture.alt);
    this.#count.textContent = `${index + 1} / ${this.#pictures.length}`;
  }
}
