/** Elements without markup: attributes, listeners and text, so that no data is ever parsed as HTML. */

type Value = string | number | boolean | ((event: Event) => void);
export type Attributes = Record<string, Value>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  chat: "M5.6 3.8h12.8A2.6 2.6 0 0 1 21 6.4v7.8a2.6 2.6 0 0 1-2.6 2.6H12.2l-4.3 3.5c-.6.5-1.5.1-1.5-.7v-2.8h-.8A2.6 2.6 0 0 1 3 14.2V6.4a2.6 2.6 0 0 1 2.6-2.6Z",
  down: "M5 9l7 7 7-7",
  close: "M6 6l12 12M18 6L6 18",
  more: "M12 6.2v.01M12 12v.01M12 17.8v.01",
  send: "M12 19V5M5.5 11.5L12 5l6.5 6.5",
  restart: "M4.5 12a7.5 7.5 0 1 0 2.3-5.4M4.5 4v4h4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clock: "M12 7.5V12l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
  alert: "M12 7.5v5.5M12 16.5v.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
  next: "M9 5.5l6.5 6.5L9 18.5",
  back: "M15 5.5L8.5 12l6.5 6.5",
  read: "M2.5 12.5L7 17 16.5 7.5M11.5 16l1 1L22 7.5",
  clip: "M20 11.2l-8.4 8.4a5.2 5.2 0 0 1-7.4-7.4l8.6-8.6a3.5 3.5 0 0 1 5 5l-8.6 8.5a1.7 1.7 0 0 1-2.5-2.4l7.8-7.8",
  file: "M13.5 3.5H7.2A1.7 1.7 0 0 0 5.5 5.2v13.6a1.7 1.7 0 0 0 1.7 1.7h9.6a1.7 1.7 0 0 0 1.7-1.7V8.5l-5-5Zm0 0v5h5",
  save: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  out: "M10 5.5H6A1.5 1.5 0 0 0 4.5 7v11A1.5 1.5 0 0 0 6 19.5h11a1.5 1.5 0 0 0 1.5-1.5v-4M14 4.5h5.5V10M19 5l-8 8",
  pin: "M12 21.5S4.8 15.4 4.8 9.9a7.2 7.2 0 0 1 14.4 0c0 5.5-7.2 11.6-7.2 11.6Zm0-9a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4Z",
  person: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c.6-3.8 3.6-6 7.5-6s6.9 2.2 7.5 6",
  play: "M7.5 4.8v14.4c0 .8.9 1.300 1.6.9l11.2-7.2a1 1 0 0 0 0-1.7L9.100 3.9c-.7-.4-1.6.1-1.6.9Z",
  pause: "M7 4.5h3.2v15H7zM13.8 4.5H17v15h-3.2z",
  smile: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM8.5 14.2c.8 1.2 2 1.9 3.5 1.9s2.7-.7 3.5-1.9M9 9.5v.01M15 9.5v.01",
} as const;

export function icon(name: keyof typeof PATHS, filled = false): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon i-${name}${filled ? " filled" : ""}`);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
