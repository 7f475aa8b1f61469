import type { Choice } from "../protocol";
import type { Texts } from "../texts";
import type { Line } from "../transcript";
import type { Asked } from "./choices";
import { h, icon } from "./dom";
import { isRestart, LineView } from "./line";

const GROUP_MS = 3 * 60_000;
/** After this long, the time of the last words is shown. */
const PAUSE_MS = 10 * 60_000;
const NEAR_END_PX = 96;

const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export interface LinesActions {
  pick(choice: Choice): void;
  retry(key: string): void;
}

/** The list of messages, and the place where the reader stands in it. */
export class Lines {
  readonly element: HTMLElement;
  readonly #list = h("ol", { class: "lines", role: "log", "aria-live": "off" });
  readonly #scroller: HTMLElement;
  readonly #latest: HTMLButtonElement;
  readonly #typing = h("li", { class: "typing", hidden: true }, h("i"), h("i"), h("i"));
  readonly #views = new Map<string, LineView>();
  readonly #days = new Map<string, HTMLElement>();
  readonly #picked = new Set<string>();
  readonly #actions: LinesActions;
  #count = 0;

  constructor(actions: LinesActions) {
    this.#actions = actions;
    this.#scroller = h("div", { class: "scroller", tabindex: 0, scroll: () => this.#scrolled() }, this.#list);
    this.#latest = h("button", { class: "latest", type: "button", hidden: true, click: () => this.toEnd(true) });
    this.element = h("div", { class: "messages" }, this.#scroller, this.#latest);
    this.#list.append(this.#typing);
  }

  update(lines: readonly Line[], typing: boolean, texts: Texts): void {
    const near = this.#nearEnd();
    const grew = lines.length > this.#count;
    const own = grew && lines[lines.length - 1]?.from === "customer";
    this.#count = lines.length;
    this.#typing.hidden = !typing;
    this.#typing.setAttribute("aria-label", texts.typing);
    this.#scroller.setAttribute("aria-labelledby", "title");
    this.#latest.replaceChildren(icon("down"), texts.latest);
    this.#arrange(lines, texts);
    if (near || own) this.toEnd(false);
    else if (grew) this.#latest.hidden = false;
  }

  toEnd(smooth: boolean): void {
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.#latest.hidden = true;
  }

  /** Put the elements into the order of the lines, making the new ones and dropping the old. */
  #arrange(lines: readonly Line[], texts: Texts): void {
    const asked = askedOf(lines, this.#picked);
    const wanted: HTMLElement[] = [];
    const lastOwn = lines.findLast((line) => line.from === "customer");
    lines.forEach((line, index) => {
      const before = lines[index - 1];
      if (!before || before.at.toDateString() !== line.at.toDateString()) wanted.push(this.#day(line.at, texts));
      const view = this.#view(line, texts);
      const first = !before || !together(before, line);
      const after = lines[index + 1];
      const last = !after || !together(line, after);
      const noted = !after || line === lastOwn || +after.at - +line.at > PAUSE_MS;
      view.update({ first, last, noted, asked: asked.get(line) ?? "live", texts });
      wanted.push(view.element);
    });
    const known = new Set(lines.map((line) => line.key));
    for (const key of this.#views.keys()) if (!known.has(key)) this.#views.delete(key);
    let place: Element | null = this.#list.firstElementChild;
    for (const element of wanted) {
      if (element === place) place = place.nextElementSibling;
      else this.#list.insertBefore(element, place);
    }
    while (place && place !== this.#typing) {
      const next: Element | null = place.nextElementSibling;
      place.remove();
      place = next;
    }
  }

  #view(line: Line, texts: Texts): LineView {
    const known = this.#views.get(line.key);
    if (known) return known;
    const view = new LineView(line, texts, {
      pick: (picked, choice) => {
        this.#picked.add(picked.key);
        this.#actions.pick(choice);
      },
      retry: (failed) => this.#actions.retry(failed.key),
    });
    this.#views.set(line.key, view);
    return view;
  }

  #day(at: Date, texts: Texts): HTMLElement {
    const key = at.toDateString();
    let element = this.#days.get(key);
    if (!element) this.#days.set(key, (element = h("li", { class: "divider day" }, h("span"))));
    const name = key === new Date().toDateString() ? texts.today : day.format(at);
    element.firstElementChild!.textContent = name;
    return element;
  }

  #nearEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #scrolled(): void {
    if (this.#nearEnd()) this.#latest.hidden = true;
  }
}

const together = (a: Line, b: Line): boolean =>
  a.from === b.from && !isRestart(a) && !isRestart(b) && +b.at - +a.at < GROUP_MS;

/** What became of each message's choices: the visitor's next words tell. */
function askedOf(lines: readonly Line[], picked: ReadonlySet<string>): Map<Line, Asked> {
  const asked = new Map<Line, Asked>();
  let next: string | null = null;
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index]!;
    if (line.from === "customer") next = fold(line.text);
    else if (line.choices.length) {
      const answered = picked.has(line.key) || line.choices.some((choice) => fold(choice.title) === next);
      asked.set(line, answered ? "used" : next === null ? "live" : "stale");
    }
  }
  return asked;
}

const fold = (text: string): string => text.trim().toLowerCase();
