import { playTime } from "../format";
import type { File } from "../protocol";
import { h, icon } from "./dom";
import { PAUSE, PLAY } from "./icons";
import { card } from "./media";
import type { Stage } from "./shown";

/** What plays now, in whatever conversation of this page: one sound at a time. */
let playing: HTMLAudioElement | null = null;

/** A sound with a button, a place to seek, and its time; a voice message looks the same, and has no name. */
export function player(file: File, source: string, stage: Stage): HTMLElement {
  const label = file.kind === "voice" ? stage.texts.voice : file.name || file.alt || stage.texts.sound;
  const audio = h("audio", { preload: "none" });
  const toggle = h("button", { type: "button", class: "play", "aria-label": label, "aria-pressed": "false" });
  toggle.append(icon(PLAY, true), icon(PAUSE, true));
  const seek = h("input", { type: "range", min: 0, max: 1000, value: 0, step: 1, "aria-label": label });
  const time = h("span", { class: "time" }, file.seconds ? playTime(file.seconds) : "");
  const track = h("span", { class: "track" });
  if (file.kind === "audio" && (file.name || file.alt)) track.append(h("span", { class: "name", dir: "auto" }, label));
  track.append(h("span", { class: "seek" }, seek, time));
  const element = h("div", { class: `player ${file.kind}` }, toggle, track, audio);
  const length = (): number => (Number.isFinite(audio.duration) ? audio.duration : (file.seconds ?? 0));
  const show = (): void => {
    const share = length() ? audio.currentTime / length() : 0;
    seek.value = String(Math.round(share * 1000));
    seek.style.setProperty("--share", `${share * 100}%`);
    time.textContent = playTime(audio.currentTime || length());
    seek.setAttribute("aria-valuetext", time.textContent);
    toggle.setAttribute("aria-pressed", String(!audio.paused));
    element.classList.toggle("playing", !audio.paused);
  };
  toggle.addEventListener("click", () => {
    if (!audio.paused) return audio.pause();
    if (playing !== audio) playing?.pause();
    playing = audio;
    audio.play().catch(() => undefined); // what is wrong with the file comes as its error
  });
  seek.addEventListener("input", () => {
    if (length()) audio.currentTime = (Number(seek.value) / 1000) * length();
    show();
  });
  for (const event of ["play", "pause", "ended", "timeupdate", "loadedmetadata"]) audio.addEventListener(event, show);
  audio.addEventListener("error", () => element.replaceWith(card(file, source, stage)));
  stage.near(element, () => {
    audio.preload = "metadata";
    audio.src = source;
  });
  return element;
}
