import { JUMBO } from "../links";
import { RESTARTED, type Choice } from "../protocol";
import { formatted } from "../spans";
import type { Texts } from "../texts";
import type { Line } from "../transcript";
import { Choices, type Asked } from "./choices";
import { h, icon, type Icon } from "./dom";
import { ALERT, CHECK, CLOCK, READ } from "./icons";
import type { ReactionBar } from "./react";
import type { Stage } from "./shown";

export interface LineActions {
  pick(line: Line, choice: Choice): void;
  retry(line: Line): void;
  react(line: Line, emoji: string): void;
  /** The words of the visitor's message of that key. */
  quoted(key: string): string;
}

export interface Surroundings {
  readonly first: boolean;
  readonly last: boolean;
  /** Whether its time is worth showing. */
  readonly noted: boolean;
  readonly read: boolean;
  readonly asked: Asked;
  /** The visitor's own reaction to it; null where there can be none. */
  readonly reacted: string | null;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });

/** One message on screen. */
export class LineView {
  readonly element: HTMLLIElement;
  readonly #line: Line;
  readonly #stage: Stage;
  readonly #actions: LineActions;
  readonly #said = h("div", { class: "said" });
  readonly #wide = h("div", { class: "wide" });
  readonly #note = h("div", { class: "note" });
  #reactions: ReactionBar | null = null;
  /** What it was built with. */
  #kit: Stage["kit"];
  #choices: Choices | null = null;
  #request: HTMLElement | null = null;
  #version = -1;
  #shown = "";

  constructor(line: Line, stage: Stage, actions: LineActions) {
    this.#line = line;
    this.#stage = stage;
    this.#actions = actions;
    this.element = isRestart(line)
      ? h("li", { class: "divider" }, h("span", {}, stage.texts.restarted))
      : h("li", { class: `line ${line.from}` }, this.#said, this.#wide, this.#note);
  }

  update(around: Surroundings): void {
    if (isRestart(this.#line)) return;
    if (this.#version !== this.#line.version || this.#kit !== this.#stage.kit) this.#build();
    this.element.classList.toggle("first", around.first);
    this.element.classList.toggle("last", around.last);
    this.#choices?.update(around.asked);
    if (this.#request) this.#request.hidden = around.asked !== "live";
    this.#reactions?.update(around.reacted, this.#line.reaction);
    const { delivery, reason } = this.#line;
    const noted = around.noted || delivery !== "sent";
    const shown = noted ? `${delivery} ${around.read} ${reason}` : "";
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.element.dataset["delivery"] = delivery;
    this.#note.replaceChildren(...(noted ? this.#noted(around.read) : []));
  }

  /** Everything that it shows, made anew: it is new, or changed, or what it needs has come. */
  #build(): void {
    const { text, plain, parts, from, version } = this.#line;
    const stage = this.#stage;
    const kit = (this.#kit = stage.kit);
    this.#version = version;
    const said: Node[] = from === "customer" ? [h("span", { class: "unseen" }, `${stage.texts.you}: `)] : [];
    if (kit && parts.media?.length) said.push(kit.gallery(parts.media, stage));
    const words = kit === null ? plain : text;
    if (words) said.push(this.#bubble(words));
    if (kit && parts.location) said.push(kit.place(parts.location, stage));
    if (kit && parts.contact) said.push(kit.contact(parts.contact, stage));
    // Beside cards without a word there is no place for the button.
    if (kit && said.length > 0 && !this.#reactions) {
      this.#reactions = new kit.ReactionBar(stage.texts, (emoji) => this.#actions.react(this.#line, emoji));
    }
    this.#said.replaceChildren(...said, ...(this.#reactions ? [this.#reactions.element] : []));
    const wide: Node[] = [];
    if (kit && parts.cards?.length) wide.push(kit.carousel(parts.cards, stage));
    if (kit && parts.links?.length) wide.push(kit.links(parts.links, stage));
    this.#request = kit && parts.request ? kit.request(parts.request, stage) : null;
    if (this.#request) wide.push(this.#request);
    this.#choices = null;
    if (parts.choices?.length) {
      const pick = (choice: Choice): void => this.#actions.pick(this.#line, choice);
      this.#choices = new Choices(parts.choices, stage.texts.replies, pick);
      wide.push(this.#choices.element);
    }
    this.#wide.replaceChildren(...wide);
  }

  #bubble(text: string): HTMLElement {
    const { at, parts } = this.#line;
    const bubble = h("div", { class: "bubble", dir: "auto", title: clock.format(at) });
    const quoted = parts.reply ? this.#actions.quoted(parts.reply) : "";
    if (quoted) {
      const lead = h("span", { class: "unseen" }, `${this.#stage.texts.answers}: `);
      bubble.append(h("span", { class: "quoted", dir: "auto" }, lead, quoted));
    }
    const spans = text === this.#line.text ? (parts.spans ?? []) : [];
    bubble.append(...formatted(text, spans, this.#stage.texts.spoiler));
    bubble.classList.toggle("jumbo", JUMBO.test(text) && !quoted);
    return bubble;
  }

  #noted(read: boolean): (Node | string)[] {
    const { at, delivery, from, reason } = this.#line;
    const { texts } = this.#stage;
    const time = h("time", { datetime: at.toISOString(), dir: "auto" }, clock.format(at));
    if (from !== "customer") return [time];
    switch (delivery) {
      case "sent":
        return [time, read ? mark(READ, texts.read) : mark(CHECK, texts.sent)];
      case "sending":
        return [time, mark(CLOCK, texts.sending)];
      case "waiting":
        return [mark(CLOCK, texts.waiting), texts.waiting];
      case "failed": {
        const retry = (): void => this.#actions.retry(this.#line);
        const again = h("button", { type: "button", class: "again", click: retry }, texts.retry);
        return [mark(ALERT, ""), reason || texts.failed, again];
      }
    }
  }
}

function mark(shape: Icon, label: string): Node {
  const element = h("span", { class: `mark ${shape[0]}` }, icon(shape));
  if (label) element.append(h("span", { class: "unseen" }, label));
  return element;
}

export const isRestart = (line: Line): boolean => line.from === "customer" && line.text === RESTARTED;

/** What a message says to those who hear it: its words, or what it is. */
export function spoken(line: Pick<Line, "text" | "parts">, texts: Texts): string {
  const { media = [], cards = [], choices = [], location, contact: who } = line.parts;
  const kinds = { image: texts.picture, video: texts.film, audio: texts.sound, voice: texts.voice };
  return [
    line.text,
    ...media.map(({ kind, alt, name }) => alt || name || kinds[kind as keyof typeof kinds] || texts.file),
    ...cards.map((card) => card.title),
    ...(location ? [`${texts.place}: ${location.name ?? ""}`] : []),
    ...(who ? [`${texts.contact}: ${who.name || who.phone}`] : []),
    ...choices.map((choice) => choice.title),
  ].filter(Boolean).join(", ");
}
