import { locale } from "../format";
import type { Kit } from "../parts";
import type { Choice } from "../protocol";
import type { Reactions } from "../reactions";
import type { Texts } from "../texts";
import type { Line, Transcript } from "../transcript";
import type { Asked } from "./choices";
import { h, icon } from "./dom";
import { DOWN } from "./icons";
import { isRestart, LineView, spoken } from "./line";
import type { Picture, Stage } from "./shown";

const GROUP_MS = 3 * 60_000;
/** After this long, the time of the last words is shown. */
const PAUSE_MS = 10 * 60_000;
const NEAR_END_PX = 96;
/** How long something has to stay near before it is fetched. */
const SETTLE_MS = 80;
const MOST_QUOTED = 120;

export interface LinesActions {
  pick(choice: Choice): void;
  retry(key: string): void;
  react(line: Line, emoji: string): void;
  enlarge(pictures: readonly Picture[], first: number): void;
  shareLocation(latitude: number, longitude: number): void;
  shareContact(name: string, phone: string): void;
}

/** How the list is to look now. */
export interface Look {
  readonly kit: Kit | null | undefined;
  readonly texts: Texts;
  readonly language: string;
  readonly base: string;
  readonly nearPx: number;
  readonly typing: boolean;
  /** The visitor's reactions; null where there are none to be. */
  readonly reactions: Reactions | null;
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
  readonly #waiting = new Map<Element, () => void>();
  /** What may only pass by, as when a long conversation comes in. */
  readonly #settling = new WeakMap<Element, number>();
  /** What is near enough to be shown, but the panel is closed. */
  readonly #due = new Set<Element>();
  #observer: IntersectionObserver | null = null;
  #stage: Stage | null = null;
  #kit: Kit | null | undefined;
  #open = false;
  #pinned = true;
  #count = 0;

  constructor(actions: LinesActions) {
    this.#actions = actions;
    this.#scroller = h("div", { class: "scroller", tabindex: 0, scroll: () => this.#scrolled() }, this.#list);
    this.#latest = h("button", { class: "latest", type: "button", hidden: true, click: () => this.toEnd(true) });
    this.element = h("div", { class: "messages" }, this.#scroller, this.#latest);
    this.#list.append(this.#typing);
    // Pictures take their room when they have come; the end stays in sight.
    new ResizeObserver(() => this.#pinned && this.toEnd(false)).observe(this.#list);
  }

  update(transcript: Transcript, look: Look): void {
    const { lines } = transcript;
    const { texts } = look;
    const grew = lines.length > this.#count;
    const own = grew && lines[lines.length - 1]?.from === "customer";
    this.#count = lines.length;
    this.#kit = look.kit;
    this.#stage ??= this.#setUp(look);
    this.#typing.hidden = !look.typing;
    this.#typing.setAttribute("aria-label", texts.typing);
    this.#scroller.setAttribute("aria-labelledby", "title");
    this.#latest.replaceChildren(icon(DOWN), texts.latest);
    this.#arrange(transcript, look, this.#stage);
    if (this.#pinned || own) this.toEnd(false);
    else if (grew) this.#latest.hidden = false;
  }

  toEnd(smooth: boolean): void {
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    this.#pinned = true;
    this.#latest.hidden = true;
  }

  /** The panel is seen now, or not: pictures are fetched only for those who look. */
  show(open: boolean): void {
    this.#open = open;
    if (!open) return;
    for (const element of this.#due) this.#reveal(element);
    this.#due.clear();
  }

  #setUp(look: Look): Stage {
    const { texts, language, base, nearPx } = look;
    const { enlarge, shareLocation, shareContact, pick } = this.#actions;
    const near = (entries: IntersectionObserverEntry[]): void => {
      for (const { isIntersecting, target } of entries) {
        clearTimeout(this.#settling.get(target));
        if (isIntersecting) this.#settling.set(target, setTimeout(() => this.#arrived(target), SETTLE_MS));
      }
    };
    this.#observer = new IntersectionObserver(near, { root: this.#scroller, rootMargin: `${nearPx}px` });
    const kit = (): Kit | null | undefined => this.#kit;
    return {
      get kit() {
        return kit();
      },
      texts, language, base, enlarge, shareLocation, shareContact, pick,
      near: (element, show) => {
        this.#waiting.set(element, show);
        this.#observer?.observe(element);
      },
    };
  }

  #arrived(element: Element): void {
    this.#observer?.unobserve(element);
    if (this.#open) this.#reveal(element);
    else this.#due.add(element);
  }

  #reveal(element: Element): void {
    this.#waiting.get(element)?.();
    this.#waiting.delete(element);
  }

  /** Put the elements into the order of the lines, making the new ones and dropping the old. */
  #arrange(transcript: Transcript, look: Look, stage: Stage): void {
    const { lines, readUpTo } = transcript;
    const asked = askedOf(lines, this.#picked);
    const wanted: HTMLElement[] = [];
    const lastOwn = lines.findLast((line) => line.from === "customer");
    lines.forEach((line, index) => {
      const before = lines[index - 1];
      if (!before || before.at.toDateString() !== line.at.toDateString()) wanted.push(this.#day(line.at, look));
      const view = this.#view(line, transcript, stage);
      const after = lines[index + 1];
      view.update({
        first: !before || !together(before, line),
        last: !after || !together(line, after),
        noted: !after || line === lastOwn || +after.at - +line.at > PAUSE_MS,
        read: line.seq !== null && line.seq <= readUpTo,
        asked: asked.get(line) ?? "live",
        reacted: look.reactions && line.id && line.from !== "customer" ? look.reactions.of(line.id) : null,
      });
      wanted.push(view.element);
    });
    this.#drop(lines);
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

  #drop(lines: readonly Line[]): void {
    if (this.#views.size <= lines.length) return;
    const known = new Set(lines.map((line) => line.key));
    for (const key of this.#views.keys()) if (!known.has(key)) this.#views.delete(key);
  }

  #view(line: Line, transcript: Transcript, stage: Stage): LineView {
    const known = this.#views.get(line.key);
    if (known) return known;
    const view = new LineView(line, stage, {
      pick: (picked, choice) => {
        if (!choice.id.startsWith(picked.parts.menu || "\0")) this.#picked.add(picked.key);
        this.#actions.pick(choice);
      },
      retry: (failed) => this.#actions.retry(failed.key),
      react: this.#actions.react,
      quoted: (key) => {
        const quoted = transcript.line(key);
        return quoted ? [...spoken(quoted, stage.texts)].slice(0, MOST_QUOTED).join("") : "";
      },
    });
    this.#views.set(line.key, view);
    return view;
  }

  #day(at: Date, { texts, language }: Look): HTMLElement {
    const key = at.toDateString();
    let element = this.#days.get(key);
    if (!element) this.#days.set(key, (element = h("li", { class: "divider day" }, h("span"))));
    const day = { weekday: "long", day: "numeric", month: "long" } as const;
    const name = key === new Date().toDateString() ? texts.today : at.toLocaleDateString(locale(language), day);
    element.firstElementChild!.textContent = name;
    return element;
  }

  #nearEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  #scrolled(): void {
    this.#pinned = this.#nearEnd();
    if (this.#pinned) this.#latest.hidden = true;
  }
}

const together = (a: Line, b: Line): boolean =>
  a.from === b.from && !isRestart(a) && !isRestart(b) && +b.at - +a.at < GROUP_MS;

/** What became of each message's choices and requests: what the visitor said next tells. */
function askedOf(lines: readonly Line[], picked: ReadonlySet<string>): Map<Line, Asked> {
  const asked = new Map<Line, Asked>();
  let next: Line | null = null;
  for (let index = lines.length - 1; index >= 0; index--) {
    const line = lines[index]!;
    const choices = line.parts.choices ?? [];
    if (line.from === "customer") next = line;
    else if (choices.length || line.parts.request) {
      const answered = picked.has(line.key) || choices.some((choice) => answers(next, choice));
      asked.set(line, answered ? "used" : next === null ? "live" : "stale");
    }
  }
  return asked;
}

const answers = (line: Line | null, choice: Choice): boolean =>
  line !== null && (line.choice ? line.choice === choice.id : fold(line.text) === fold(choice.title));

const fold = (text: string): string => text.trim().toLowerCase();
