import { fileSize } from "../format";
import { anchor, safeSource } from "../links";
import type { File } from "../protocol";
import { h, icon } from "./dom";
import { FILE, SAVE } from "./icons";
import { player } from "./player";
import type { Picture, Stage } from "./shown";

const MOST_PICTURES = 4;
/** Width by height of a picture alone: what is narrower or wider is cropped, and whole when enlarged. */
const NARROWEST = 3 / 4;
const WIDEST = 16 / 9;

/** The files of a message: pictures together as a grid, everything else one below the other. */
export function gallery(files: readonly File[], stage: Stage): HTMLElement {
  const pictures = files.filter((file) => file.kind === "image" && safeSource(file.url, stage.base));
  const element = h("div", { class: "media" });
  if (pictures.length) element.append(grid(pictures, stage));
  for (const file of files) if (!pictures.includes(file)) element.append(one(file, stage));
  return element;
}

function one(file: File, stage: Stage): HTMLElement {
  const source = safeSource(file.url, stage.base);
  if (!source) return card(file, null, stage);
  switch (file.kind) {
    case "sticker":
      return sticker(file, source, stage);
    case "video":
      return film(file, source, stage);
    case "audio":
    case "voice":
      return player(file, source, stage);
    default:
      return card(file, source, stage);
  }
}

// Pictures

function grid(files: readonly File[], stage: Stage): HTMLElement {
  const { texts } = stage;
  const pictures = files.map((file): Picture => {
    return { source: safeSource(file.url, stage.base)!, alt: file.alt || file.name || texts.picture };
  });
  const shown = pictures.slice(0, MOST_PICTURES);
  const element = h("div", { class: "grid", "data-count": shown.length });
  shown.forEach((picture, index) => {
    const left = index === MOST_PICTURES - 1 ? pictures.length - MOST_PICTURES : 0;
    const label = left ? `${picture.alt} (+${left})` : picture.alt;
    const button = h(
      "button",
      { type: "button", class: "picture", "aria-label": label, click: () => stage.enlarge(pictures, index) },
      h("span", { class: "wait" }),
    );
    if (left) button.append(h("span", { class: "left", "aria-hidden": "true" }, `+${left}`));
    stage.near(button, () => load(button, picture, files[index]!, stage, shown.length === 1));
    element.append(button);
  });
  return element;
}

function load(button: HTMLElement, picture: Picture, file: File, stage: Stage, alone: boolean): void {
  const image = h("img", { alt: "", decoding: "async", draggable: "false" });
  image.addEventListener("load", () => {
    const ratio = image.naturalWidth / image.naturalHeight;
    if (alone && ratio) button.style.aspectRatio = String(Math.min(WIDEST, Math.max(NARROWEST, ratio)));
    button.classList.add("loaded");
  });
  image.addEventListener("error", () => button.replaceWith(card(file, picture.source, stage)));
  image.src = picture.source;
  button.prepend(image);
}

function sticker(file: File, source: string, stage: Stage): HTMLElement {
  const image = h("img", { class: "sticker", alt: file.alt || stage.texts.sticker, draggable: "false" });
  image.addEventListener("error", () => image.replaceWith(card(file, source, stage)));
  stage.near(image, () => (image.src = source));
  return image;
}

// Films and documents

function film(file: File, source: string, stage: Stage): HTMLElement {
  const label = file.alt || file.name || stage.texts.film;
  const video = h("video", { controls: true, playsinline: true, preload: "metadata", "aria-label": label });
  video.addEventListener("error", () => video.replaceWith(card(file, source, stage)));
  stage.near(video, () => (video.src = source));
  return video;
}

/** A file with its name and size, to download; without a source, what is left of it. */
export function card(file: File, source: string | null, stage: Stage): HTMLElement {
  const { texts } = stage;
  const name = file.name || file.alt || texts[KINDS[file.kind] ?? "file"];
  const about = source ? [suffix(name), file.size ? fileSize(file.size, stage.language) : ""] : [texts.gone];
  const words = h(
    "span",
    { class: "words" },
    h("span", { class: "name", dir: "auto" }, name),
    h("span", { class: "about" }, about.filter(Boolean).join(" · ")),
  );
  const parts = [h("span", { class: "sign" }, icon(FILE)), words];
  if (!source) return h("div", { class: "document away" }, ...parts);
  const link = anchor(source, ...parts, icon(SAVE));
  link.className = "document";
  link.download = file.name ?? "";
  link.setAttribute("aria-label", `${texts.download}: ${name}`);
  return link;
}

const KINDS = {
  image: "picture", video: "film", audio: "sound", voice: "voice", document: "file", sticker: "sticker",
} as const;

/** `report.final.pdf` → `PDF` */
const suffix = (name: string): string => /\.(\w{1,5})$/.exec(name)?.[1]?.toUpperCase() ?? "";
