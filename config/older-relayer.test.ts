import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromOlderRelayer, OLDER_RELAYER } from "./older-relayer.ts";

test("the older relayer's topic and interval are taken over, with a line that says so", () => {
  const env = { PUBSUB_TOPIC: "deals", RELAYER_POLL_INTERVAL: "5" };
  expect(fromOlderRelayer(env)).toEqual({
    added: { PUBSUB_TOPIC_ID: "deals", POLL_INTERVAL_SECONDS: "5" },
    notes: [
      "PUBSUB_TOPIC is taken for PUBSUB_TOPIC_ID.",
      "RELAYER_POLL_INTERVAL is taken for POLL_INTERVAL_SECONDS.",
    ],
  });
});

test("a variable of ours goes before the older relayer's", () => {
  const { added, notes } = fromOlderRelayer({ PUBSUB_TOPIC: "old", PUBSUB_TOPIC_ID: "new" });
  expect(added).toEqual({});
  expect(notes).toEqual([
    "PUBSUB_TOPIC is PUBSUB_TOPIC_ID here, which is set as well and goes before it.",
  ]);
});

test.each([
  "BATCH_SIZE",
  "MAX_CONCURRENT_REQUESTS",
  "CHECKPOINT_INTERVAL_BLOCKS",
  "RELAYER_BATCH_SIZE",
  "RELAYER_CHECKPOINT_INTERVAL",
])("%s is accepted, and why it is not needed is said in one line", (name) => {
  const { added, notes } = fromOlderRelayer({ [name]: "100" });
  expect(added).toEqual({});
  expect(notes).toHaveLength(1);
  expect(notes[0]).toMatch(new RegExp(`^${name} is not needed here: .{20,}\\.$`));
});

test("nothing is said of what is not set", () => {
  const empty = Object.fromEntries(Object.keys(OLDER_RELAYER).map((name) => [name, ""]));
  expect(fromOlderRelayer(empty)).toEqual({ added: {}, notes: [] });
});

test("the page for whoever comes from the older relayer names every variable of it", () => {
  const page = readFileSync(
    join(import.meta.dirname, "../docs/how-to/come-from-the-older-relayer.md"),
    "utf8",
  );
  for (const [name, old] of Object.entries(OLDER_RELAYER)) {
    if (name.startsWith("RELAY_")) continue; // of an earlier version of ours
    expect(page).toContain(`\`${name}\``);
    if ("notNeeded" in old)
      expect(page.replaceAll("`", "")).toContain(`| ${name} | ${old.notNeeded} |`);
  }
});
