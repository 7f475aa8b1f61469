/** The colour of text on the accent colour: white or near-black, whichever reads better (WCAG 2 contrast). */

const DARK = "#15171e";
const LIGHT = "#ffffff";

export function inkOn(accent: string): string {
  const luminance = relativeLuminance(accent);
  const onLight = 1.05 / (luminance + 0.05);
  const onDark = (luminance + 0.05) / (relativeLuminance(DARK) + 0.05);
  return onLight >= 4.5 || onLight >= onDark ? LIGHT : DARK;
}

function relativeLuminance(color: string): number {
  const hex = color.length === 4 ? color.replace(/[0-9a-f]/gi, "$&$&") : color;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const value = parseInt(hex.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
