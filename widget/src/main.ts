/**
 * The embed: `<script src="https://host/widget.js" data-bot-id="…" data-config="…" async></script>`
 * puts one widget on the page.
 */
import { configure, decodeConfig } from "./config";
import { ChannelGatewayWidget, TAG, type Told } from "./element";

const CONFIG_MS = 4000;
/** How long a lazy widget waits for an idle moment after the page has loaded. */
const IDLE_MS = 3000;

/** What the server says about the bot. `null`: this page must not have it. A server that is away: defaults. */
async function ask(url: URL): Promise<Told | null> {
  try {
    url.searchParams.set("language", document.documentElement.lang || navigator.language);
    const answer = await fetch(url, { signal: AbortSignal.timeout(CONFIG_MS), credentials: "omit" });
    if (answer.ok) return (await answer.json()) as Told;
    return answer.status === 404 || answer.status === 403 ? null : {};
  } catch {
    return {};
  }
}

/** Whether a page of another site shows this one in a frame. */
function framed(): boolean {
  try {
    return window.top !== window && window.top?.location.origin !== location.origin;
  } catch {
    return true;
  }
}

const idle = (): Promise<unknown> =>
  new Promise((done) => {
    const wait = (): unknown =>
      "requestIdleCallback" in window ? requestIdleCallback(done, { timeout: IDLE_MS }) : setTimeout(done, 200);
    if (document.readyState === "complete") wait();
    else window.addEventListener("load", wait, { once: true });
  });

async function embed(script: HTMLScriptElement): Promise<void> {
  const id = script.dataset["botId"];
  if (!id) {
    console.error("channel-gateway: the script needs data-bot-id.");
    return;
  }
  const base = new URL(".", script.src).href;
  const told = await ask(new URL(`widget/${encodeURIComponent(id)}/config`, base));
  if (told === null) {
    console.error(`channel-gateway: the bot ${id} is unknown, or this site may not embed it.`);
    return;
  }
  const own = decodeConfig(script.dataset["config"]);
  const { loading } = configure(told, own);
  if (configure(told).loading.unframed && framed()) {
    console.error(`channel-gateway: the bot ${id} does not appear on pages within other sites' frames.`);
    return;
  }
  if (loading.lazy) await idle();
  if (document.readyState === "loading") {
    await new Promise((done) => document.addEventListener("DOMContentLoaded", done, { once: true }));
  }
  const widget = document.createElement(TAG) as ChannelGatewayWidget;
  document.body.append(widget);
  const payload = (script.dataset["payload"] ?? "").slice(0, 256);
  widget.start({ id, base, own, payload, nonce: script.nonce }, told);
}

if (!customElements.get(TAG)) customElements.define(TAG, ChannelGatewayWidget);
if (document.currentScript instanceof HTMLScriptElement) void embed(document.currentScript);
