// Bundles src/main.ts into dist/widget.js: one file, no dependencies, the style sheet inside.
import { readFile, stat } from "node:fs/promises";
import { build, transform } from "esbuild";

const OUTPUT = "dist/widget.js";
const MAX_BYTES = 30 * 1024;

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

const { size } = await stat(OUTPUT);
console.log(`${OUTPUT}: ${size} bytes`);
if (size > MAX_BYTES) {
  console.error(`${OUTPUT} is larger than ${MAX_BYTES} bytes`);
  process.exit(1);
}
