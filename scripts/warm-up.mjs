// Loads once what `npm start` loads, so that the compile cache is there for the first start, too.
// Starts nothing. What does not load here is said by the start itself, which a person looks at.
const root = new URL("../", import.meta.url);
for (const module of [
  "supervisor/run-service.ts",
  "packages/relay/index.ts",
  "node_modules/ponder/dist/esm/bin/commands/start.js",
  "node_modules/ponder/dist/esm/bin/commands/serve.js",
])
  await import(new URL(module, root).href).catch(() => undefined);
process.exit(0);
