import { expect, test } from "vitest";
import { ConfigError } from "../config/config-error.ts";
import { checkEngine } from "./check-engine.ts";
import recorded from "./engine-files.json" with { type: "json" };

const SYNC = "ponder/dist/esm/sync-realtime/index.js";

test("the engine as it is installed is the one that was recorded [G-18]", () => {
  expect(() => checkEngine()).not.toThrow();
});

test.each([
  ["is not patched", { ...recorded, [SYNC]: "0".repeat(64) }, SYNC],
  ["lacks a file", { ...recorded, [SYNC]: undefined }, SYNC],
  ["has a file more", { ...recorded, "ponder/dist/esm/more.js": "" }, "ponder/dist/esm/more.js"],
])("an engine that %s is refused, and the file is named [G-18]", (_, installed, file) => {
  const check = () => checkEngine(installed as Record<string, string>);
  expect(check).toThrow(ConfigError);
  expect(check).toThrow(new RegExp(`node_modules/${file}: .*npm run setup`));
});
