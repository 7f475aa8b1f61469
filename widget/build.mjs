// Bundles src/main.ts into dist/widget.js: one file, no dependencies, the style sheet inside.
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const OUTPUT = "dist/widget.js";
/** What a visitor downloads: the server sends the script compressed. */
const MAX_COMPRESSED_BYTES = 16 * 1024;

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
