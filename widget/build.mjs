// Bundles src/main.ts into dist/widget.js, which every page loads, and src/parts.ts into dist/widget-parts.js, which
// follows when the panel opens: no dependencies, each with its style sheet inside. The texts of other languages go into
// dist/texts.json, from which the server tells each visitor's.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

/** What a visitor downloads: the server sends the scripts compressed. */
const MAX_COMPRESSED_BYTES = { "dist/widget.js": 20 * 1024, "dist/widget-parts.js": 12 * 1024 };

const styleSheets = {
  name: "style-sheets",
  setup(plugin) {
    plugin.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

async function bundle(entry, output, define = {}) {
  await build({
    entryPoints: [entry],
    outfile: output,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    plugins: [styleSheets],
    define,
  });
  const script = await readFile(output);
  const compressed = gzipSync(script, { level: 9 }).length;
  console.log(`${output}: ${script.length} bytes, ${compressed} compressed`);
  if (compressed > MAX_COMPRESSED_BYTES[output]) {
    console.error(`${output} is larger than ${MAX_COMPRESSED_BYTES[output]} bytes compressed`);
    process.exit(1);
  }
  return createHash("sha256").update(script).digest("hex").slice(0, 12);
}

const digest = await bundle("src/parts.ts", "dist/widget-parts.js", { PARTS_DIGEST: '""' });
await bundle("src/main.ts", "dist/widget.js", { PARTS_DIGEST: JSON.stringify(digest) });

const english = [...(await readFile("src/texts.ts", "utf8")).matchAll(/^  (\w+): "/gm)].map(([, name]) => name);
const languages = JSON.parse(await readFile("src/languages.json", "utf8"));
for (const [tag, texts] of Object.entries(languages)) {
  const wrong = [
    ...english.filter((name) => !texts[name]),
    ...Object.keys(texts).filter((name) => !english.includes(name)),
  ];
  if (wrong.length) {
    console.error(`src/languages.json: ${tag} lacks, or has too many: ${wrong.join(", ")}`);
    process.exit(1);
  }
}
await writeFile("dist/texts.json", JSON.stringify(languages));
console.log(`dist/texts.json: ${english.length} texts in ${Object.keys(languages).length + 1} languages`);
