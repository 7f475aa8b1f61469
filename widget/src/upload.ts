import type { Uploaded } from "./protocol";

/** What may be uploaded, as the channel says. */
export interface Limits {
  readonly enabled: boolean;
  /** Bytes of one file. */
  readonly max_size: number;
  /** MIME types, `image/*`, or endings of names. */
  readonly allowed_types: readonly string[];
}

export type Objection = "too_large" | "wrong_type";

/** What speaks against a file before it is sent; the server looks again, into it. */
export function objection(file: File, limits: Limits): Objection | null {
  if (!limits.allowed_types.some((type) => allows(type.toLowerCase(), file))) return "wrong_type";
  return file.size > limits.max_size ? "too_large" : null;
}

function allows(type: string, file: File): boolean {
  if (type.startsWith(".")) return file.name.toLowerCase().endsWith(type);
  if (type === "*/*") return true;
  const mime = file.type.toLowerCase().split(";")[0]!;
  return type.endsWith("/*") ? mime.startsWith(type.slice(0, -1)) : mime === type;
}

/** What the upload is answered with: what the file is, by its content; or why it was not taken. */
interface Answer extends Omit<Uploaded, "mime"> {
  readonly mime_type?: string;
  readonly message?: string;
}

/** The upload's own words for why it failed; empty when there are none for visitors. */
export class UploadFailed extends Error {}

/** Sends one file to the gateway. `fetch` tells no progress of what is sent, so this is an XMLHttpRequest. */
export function upload(
  url: URL, token: string, file: File, progress: (share: number) => void, signal: AbortSignal,
): Promise<Uploaded> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, file.name || "file");
    request.open("POST", url);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.total ? event.loaded / event.total : 0);
    request.onload = () => {
      const answer = request.response as Answer | null;
      if (request.status < 300 && answer?.media) {
        const { media, kind, name, mime_type, size } = answer;
        done({ media, kind, name, mime: mime_type ?? "", size });
      } else failed(new UploadFailed(request.status < 500 ? answer?.message : ""));
    };
    request.onerror = () => failed(new UploadFailed(""));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
