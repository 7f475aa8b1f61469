import type { Config } from "./config";

/** Calls `open` once, when the first of the configured conditions comes true. */
export function openByItself(behavior: Config["behavior"], open: () => void): void {
  if (!behavior.auto_open) return;
  const stop = new AbortController();
  const now = (): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    open();
  };
  const when = behavior.auto_open_conditions;
  if (!when) {
    setTimeout(now, behavior.auto_open_delay);
    return;
  }
  if (typeof when.page_time === "number") setTimeout(now, when.page_time * 1000);
  const share = when.scroll_percentage;
  if (typeof share === "number") {
    const scrolled = (): void => {
      const { scrollHeight, clientHeight, scrollTop } = document.documentElement;
      const most = scrollHeight - clientHeight;
      if (most > 0 && (scrollTop / most) * 100 >= share) now();
    };
    window.addEventListener("scroll", scrolled, { passive: true, signal: stop.signal });
  }
  if (when.exit_intent) {
    const leaving = (event: MouseEvent): void => {
      if (event.clientY <= 0 && !event.relatedTarget) now();
    };
    document.addEventListener("mouseout", leaving, { signal: stop.signal });
  }
}
