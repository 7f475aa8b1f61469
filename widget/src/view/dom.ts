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
