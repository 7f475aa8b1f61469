import { fileSize } from "../format";
import { MAX_FILES, type Uploaded } from "../protocol";
import { fill, type Texts } from "../texts";
import { objection, UploadFailed, type Limits } from "../upload";
import { h, icon } from "./dom";
import { CLOSE, FILE } from "./icons";

export type Upload = (file: File, progress: (share: number) => void, signal: AbortSignal) => Promise<Uploaded>;

/** One file on its way: what it shows, and what it became. */
interface Piece {
  readonly element: HTMLElement;
  readonly stop: AbortController;
  /** The file on this page itself. */
  readonly local: string;
  uploaded: Uploaded | null;
  failed: boolean;
}

/** The files that go with the next message, uploaded while the visitor still writes. */
export class Attachments {
  readonly element = h("ul", { class: "pieces", hidden: true });
  readonly #upload: Upload;
  readonly #changed: () => void;
  #pieces: Piece[] = [];
  #texts: Texts;
  #language = "";
  #limits: Limits = { enabled: false, max_size: 0, allowed_types: [] };
  /** Why the last file was not taken. */
  problem = "";

  constructor(texts: Texts, upload: Upload, changed: () => void) {
    this.#texts = texts;
    this.#upload = upload;
    this.#changed = changed;
  }

  configure(texts: Texts, language: string, limits: Limits): void {
    this.#texts = texts;
    this.#language = language;
    this.#limits = limits;
  }

  get busy(): boolean {
    return this.#pieces.some((piece) => !piece.uploaded && !piece.failed);
  }

  get ready(): readonly Uploaded[] {
    return this.#pieces.flatMap((piece) => piece.uploaded ?? []);
  }

  /** Addresses of this page's own for what is ready. */
  get shown(): readonly string[] {
    return this.#pieces.flatMap((piece) => (piece.uploaded ? piece.local : []));
  }

  add(files: Iterable<File>): void {
    if (!this.#limits.enabled) return;
    this.problem = "";
    for (const file of files) {
      const objects = objection(file, this.#limits);
      if (this.#pieces.length >= MAX_FILES) this.problem = fill(this.#texts.too_many, { count: MAX_FILES });
      else if (objects) this.problem = this.#objected(objects);
      else this.#take(file);
    }
    this.#show();
  }

  /** Forget all; `sent`: the addresses of this page live on, in the message. */
  clear(sent: boolean): void {
    for (const piece of this.#pieces) {
      piece.stop.abort();
      if (!sent || !piece.uploaded) URL.revokeObjectURL(piece.local);
    }
    this.#pieces = [];
    this.problem = "";
    this.#show();
  }

  #objected(objects: "too_large" | "wrong_type"): string {
    return fill(this.#texts[objects], { size: fileSize(this.#limits.max_size, this.#language) });
  }

  #take(file: File): void {
    const name = file.name || this.#texts.file;
    const bar = h("span", {
      class: "bar", role: "progressbar", "aria-label": `${this.#texts.uploading}: ${name}`, "aria-valuemin": 0,
      "aria-valuemax": 100, "aria-valuenow": 0,
    });
    const local = URL.createObjectURL(file);
    const piece: Piece = {
      element: h("li", { class: "piece" }), stop: new AbortController(), local, uploaded: null, failed: false,
    };
    const drop = h(
      "button",
      { type: "button", class: "drop-piece", "aria-label": `${this.#texts.cancel}: ${name}` },
      icon(CLOSE),
    );
    drop.addEventListener("click", () => this.#remove(piece));
    const size = h("span", { class: "about" }, fileSize(file.size, this.#language));
    const words = h("span", { class: "words" }, h("span", { class: "name", dir: "auto" }, name), size);
    piece.element.append(preview(file, local), words, drop, bar);
    this.#pieces.push(piece);
    this.element.append(piece.element);
    void this.#send(file, piece, bar, drop, size);
  }

  async #send(file: File, piece: Piece, bar: HTMLElement, drop: HTMLElement, size: HTMLElement): Promise<void> {
    const progress = (share: number): void => {
      bar.style.setProperty("--share", `${share * 100}%`);
      bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    };
    try {
      piece.uploaded = await this.#upload(file, progress, piece.stop.signal);
      drop.setAttribute("aria-label", `${this.#texts.remove}: ${piece.uploaded.name}`);
    } catch (error) {
      piece.failed = true;
      piece.element.classList.add("failed");
      size.textContent = (error instanceof UploadFailed && error.message) || this.#texts.upload_failed;
      size.setAttribute("role", "alert");
    }
    bar.remove();
    this.#show();
  }

  #remove(piece: Piece): void {
    piece.stop.abort();
    URL.revokeObjectURL(piece.local);
    piece.element.remove();
    this.#pieces = this.#pieces.filter((other) => other !== piece);
    this.problem = "";
    this.#show();
  }

  #show(): void {
    if (!this.#pieces.length) this.element.replaceChildren();
    this.element.hidden = !this.#pieces.length;
    this.#changed();
  }
}

function preview(file: File, local: string): HTMLElement {
  const sign = h("span", { class: "sign" }, icon(FILE));
  if (!/^image\/(png|jpe?g|gif|webp|avif)$/.test(file.type)) return sign;
  const image = h("img", { alt: "" });
  image.addEventListener("load", () => sign.replaceChildren(image)); // a page may forbid pictures of its own
  image.src = local;
  return sign;
}
