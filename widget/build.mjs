// Bundles src/main.ts into dist/widget.js: one file, no dependencies, the style sheet inside. The texts of other
// languages go into dist/texts.json, from which the server tells each visitor's.
import { readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const OUTPUT = "dist/widget.js";
/** What a visitor downloads: the server sends the script compressed. */
const MAX_COMPRESSED_BYTES = 28 * 1024;

const styleSheets = {
  name: "style-sheets",
  setup(plugin) {
    plugin.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

await build({
  entryPoints: ["src/main.ts"],
  outfile: OUTPUT,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  plugins: [styleSheets],
});

const script = await readFile(OUTPUT);
const compressed = gzipSync(script, { level: 9 }).length;
console.log(`${OUTPUT}: ${script.length} bytes, ${compressed} compressed`);
if (compressed > MAX_COMPRESSED_BYTES) {
  console.error(`${OUTPUT} is larger than ${MAX_COMPRESSED_BYTES} bytes compressed`);
  process.exit(1);
}

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
