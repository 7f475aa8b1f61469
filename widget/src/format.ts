/** Sizes and times as readers of a language write them. */

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** 48211 → `47.1 kB`, with units of 1024. */
export function fileSize(bytes: number, language: string): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit++;
  }
  const maximumFractionDigits = unit && size < 100 ? 1 : 0;
  const style = { style: "unit", unit: UNITS[unit]!, unitDisplay: "short", maximumFractionDigits } as const;
  return new Intl.NumberFormat(locale(language), style).format(size);
}

/** 83 → `1:23`. */
export function playTime(seconds: number): string {
  const whole = Math.floor(seconds) || 0;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** The language as Intl takes it; the browser's own when it does not. */
export function locale(language: string): string | undefined {
  try {
    return language && Intl.getCanonicalLocales(language).length ? language : undefined;
  } catch {
    return undefined;
  }
}
