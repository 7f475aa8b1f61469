/** Where the widget's two scripts meet. */
import type { Kit } from "./parts";

/** What the first script expects of the second. Another number: they are of different releases. */
const AGREEMENT = 1;
const PLACE = "__channelGatewayParts";
const PATIENCE_MS = 20_000;

/** The parts' digest, for an address that browsers may keep; set by the build. */
declare const PARTS_DIGEST: string;

interface Delivery {
  readonly agreement: number;
  readonly kit: Kit;
}

type Meeting = { [PLACE]?: Delivery };

let asked: Promise<Kit | null> | null = null;

/** The second script's side. */
export function deliver(kit: Kit): void {
  (globalThis as Meeting)[PLACE] = { agreement: AGREEMENT, kit };
}

/** The first script's side: what the second one brings, loaded once; null when the page can't have it. */
export function fetchKit(base: string, nonce: string): Promise<Kit | null> {
  asked ??= new Promise<void>((done) => {
    const script = document.createElement("script");
    script.onload = script.onerror = () => done();
    setTimeout(done, PATIENCE_MS);
    script.nonce = nonce; // a page's content security policy that trusts the first script then trusts this one
    script.src = new URL(`widget-parts.js?v=${PARTS_DIGEST}`, base).href;
    document.head.append(script);
  }).then(received, () => null);
  return asked;
}

function received(): Kit | null {
  const delivery = (globalThis as Meeting)[PLACE];
  return delivery?.agreement === AGREEMENT ? delivery.kit : null;
}
