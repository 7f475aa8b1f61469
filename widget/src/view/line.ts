import { linked } from "../links";
import { RESTARTED, type Choice } from "../protocol";
import type { Texts } from "../texts";
import type { Line } from "../transcript";
import { Choices, type Asked } from "./choices";
import { h, icon } from "./dom";

export interface LineActions {
  pick(line: Line, choice: Choice): void;
  retry(line: Line): void;
}

export interface Surroundings {
  readonly first: boolean;
  readonly last: boolean;
  /** Whether its time is worth showing. */
  readonly noted: boolean;
  readonly asked: Asked;
  readonly texts: Texts;
}

const JUMBO = /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\u200d|\ufe0f|\s){1,12}$/u;

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });

/** One message on screen. */
export class LineView {
  readonly element: HTMLLIElement;
  readonly #line: Line;
  readonly #choices: Choices | null = null;
  readonly #note = h("div", { class: "note" });
  readonly #retry: (line: Line) => void;
  #shown = "";

  constructor(line: Line, texts: Texts, actions: LineActions) {
    this.#line = line;
    this.#retry = actions.retry;
    if (isRestart(line)) {
      this.element = h("li", { class: "divider" }, h("span", {}, texts.restarted));
      return;
    }
    const bubble = h("div", { class: "bubble", dir: "auto", title: clock.format(line.at) });
    bubble.append(...linked(line.text));
    bubble.classList.toggle("jumbo", JUMBO.test(line.text));
    const speaker = line.from === "customer" ? `${texts.you}: ` : "";
    if (speaker) bubble.prepend(h("span", { class: "unseen" }, speaker));
    this.element = h("li", { class: `line ${line.from}` }, bubble);
    if (line.choices.length) {
      this.#choices = new Choices(line.choices, texts.replies, (choice) => actions.pick(line, choice));
      this.element.append(this.#choices.element);
    }
    this.element.append(this.#note);
  }

  update(around: Surroundings): void {
    if (isRestart(this.#line)) return;
    this.element.classList.toggle("first", around.first);
    this.element.classList.toggle("last", around.last);
    this.#choices?.update(around.asked);
    const { delivery, reason } = this.#line;
    const noted = around.noted || delivery !== "sent";
    const shown = noted ? `${delivery} ${reason}` : "";
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.element.dataset["delivery"] = delivery;
    this.#note.replaceChildren(...(noted ? this.#noted(around.texts) : []));
  }

  #noted(texts: Texts): (Node | string)[] {
    const { at, delivery, from, reason } = this.#line;
    const time = h("time", { datetime: at.toISOString(), dir: "auto" }, clock.format(at));
    if (from !== "customer") return [time];
    switch (delivery) {
      case "sent":
        return [time, mark("check", texts.sent)];
      case "sending":
        return [time, mark("clock", texts.sending)];
      case "waiting":
        return [mark("clock", texts.waiting), texts.waiting];
      case "failed": {
        const again = h("button", { type: "button", class: "again", click: () => this.#retry(this.#line) }, texts.retry);
        return [mark("alert", ""), reason || texts.failed, again];
      }
    }
  }
}

function mark(name: "check" | "clock" | "alert", label: string): Node {
  const element = h("span", { class: "mark" }, icon(name));
  if (label) element.append(h("span", { class: "unseen" }, label));
  return element;
}

export const isRestart = (line: Line): boolean => line.from === "customer" && line.text === RESTARTED;
