import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "../../cli/audit.ts";
import { runCommand } from "../../cli/run-command.ts";
import { newest } from "../../proof/audit/event-differences.ts";
import { addToHistory, EMPTY_HISTORY } from "../../proof/audit/history-hash.ts";
import { checkChainProof } from "../../proof/witness/check-chain-proof.ts";
import { writeChainProof } from "../../proof/witness/write-chain-proof.ts";
import type { ChainSource } from "../../source/chain-source.ts";
import { openSources } from "../../source/open-sources.ts";
import { auditedChain, storedEvents } from "../audit/audited-chain.ts";
import { ChainNode } from "../forks/chain-node.ts";
import { ChainSimulator } from "../forks/chain-simulator.ts";
import { FACTORIES } from "../forks/deal.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";

/* A long certificate proves what a chain logged to whoever trusts one hash, or is refused. */

type Line = Record<string, unknown> & { receipts?: string[]; transactions?: string[] };

const LAST = 60;
const factories = (["A", "B"] as const).map((revision) => ({
  ...{ address: FACTORIES[revision], startBlock: 1, revision },
}));
const chain = auditedChain("certified", { blocks: LAST });
const trusted = chain.at(LAST).hash;
const place = { name: "test", chainId: chain.chainId, factories };

let folder: string;
let path: string;
let simulator: ChainSimulator;
let source: ChainSource;
let lines: Line[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "escrow-stream-proof-"));
  path = join(folder, "whole.jsonl.gz");
  const node = new ChainNode(chain);
  simulator = await ChainSimulator.start([node]);
  const rpcUrls = [simulator.urlOf(node)];
  const [opened] = openSources(
    [{ ...place, rpcUrls, pollIntervalMs: 1_000, rpcRequestsPerSecond: 10_000 }],
    () => undefined,
    hurriedClock(),
  );
  if (opened === undefined) throw new Error("no source");
  source = opened;
  await writeTo(path, 1);
  lines = gunzipSync(readFileSync(path))
    .toString()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
});

afterAll(async () => {
  await simulator?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function writeTo(file: string, from: number): Promise<void> {
  const signal = new AbortController().signal;
  await writeChainProof({
    ...{ source, chain: place, from, to: LAST, path: file, tool: "test", signal },
  });
}

/** The file with other lines. */
function changed(change: (lines: Line[]) => unknown): string {
  const copy = structuredClone(lines);
  change(copy);
  const file = join(folder, `${Math.random()}.jsonl.gz`);
  writeFileSync(file, gzipSync(copy.map((line) => JSON.stringify(line)).join("\n")));
  return file;
}

test("a long certificate proves every event with the hash of the last block alone [G-22]", async () => {
  const events = storedEvents(chain).filter(({ blockNumber }) => blockNumber <= LAST);
  const { end, head, believedHashes } = await checkChainProof(path, trusted);
  expect(end).toMatchObject(events.map(newest).reduce(addToHistory, EMPTY_HISTORY));
  expect(end.events).toBeGreaterThan(20);
  expect(head.isWholeHistory).toBe(true);
  expect(believedHashes).toBe(0);
});

test("npm run audit -- --check needs no node and no database for it", async () => {
  const shown: string[] = [];
  const said: string[] = [];
  const streams = {
    out: (text: string) => void shown.push(text),
    err: (text: string) => void said.push(text),
  };
  const args = ["--check", path, "--block-hash", trusted];
  expect(await runCommand(audit, args, {}, streams)).toBe(0);
  expect(await runCommand(audit, args.slice(0, 2), {}, streams)).toBe(78);
  expect(said.at(-1)).toContain("--block-hash");
  expect(await runCommand(audit, [...args.slice(0, 3), chain.at(LAST - 1).hash], {}, streams)).toBe(
    1,
  );
  expect(said.at(-1)).toContain("ES-CERTIFICATE-BAD");
});

/** Blocks stand behind the first line. */
const withEvents = (all: Line[]): number =>
  all.findIndex(({ transactions }) => transactions !== undefined);

const CHANGES: Record<string, (all: Line[]) => unknown> = {
  "a block left out": (all) => all.splice(5, 1),
  "two blocks that changed places": (all) => all.splice(5, 2, all[6] as Line, all[5] as Line),
  "another header": (all) => {
    (all[5] as Line).header = String(all[5]?.header).replace(/.$/, "7");
  },
  "receipts left out": (all) => delete all[withEvents(all)]?.receipts,
  "a receipt left out": (all) => all[withEvents(all)]?.receipts?.pop(),
  "another byte in a receipt": (all) => {
    const { receipts } = all[withEvents(all)] as { receipts: string[] };
    receipts[0] = String(receipts[0]).replace(/.$/, "7");
  },
  "a transaction left out": (all) => all[withEvents(all)]?.transactions?.pop(),
  "another number of events": (all) => Object.assign(all.at(-1) as Line, { events: 3 }),
  "another hash of the history": (all) =>
    Object.assign(all.at(-1) as Line, { sha256: "0".repeat(64) }),
  "other factories": (all) => (all[0] as { factories: unknown[] }).factories.pop(),
  "a later first block": (all) => Object.assign(all[0] as Line, { from: 2 }),
  "no end": (all) => all.pop(),
  "half of it": (all) => all.splice(30),
};

describe("A long certificate with", () => {
  test.each(Object.entries(CHANGES))("%s is refused [G-22]", async (_, change) => {
    await expect(checkChainProof(changed(change), trusted)).rejects.toThrow(
      expect.objectContaining({ name: "BadProof" }),
    );
  });

  test("receipts left out and an end that fits is refused [G-22]", async () => {
    const events = storedEvents(chain).filter(({ blockNumber }) => blockNumber <= LAST);
    const last = events.findLast(({ type }) => type === "Approved")?.blockNumber;
    const rest = events.filter(({ blockNumber }) => blockNumber !== last).map(newest);
    const file = changed((all) => {
      const end = all.at(-1) as Line;
      Object.assign(end, rest.reduce(addToHistory, EMPTY_HISTORY));
      end.receiptsBlocks = Number(end.receiptsBlocks) - 1;
      all[last ?? 0] = { header: all[last ?? 0]?.header };
    });
    await expect(checkChainProof(file, trusted)).rejects.toThrow(
      `block ${last} may have an event of ours, and its receipts are missing`,
    );
  });

  test("bytes that are no gzip, or cut off in the middle, is refused", async () => {
    const file = join(folder, "cut.jsonl.gz");
    for (const bytes of [Buffer.from("no gzip"), readFileSync(path).subarray(0, 900)]) {
      writeFileSync(file, bytes);
      await expect(checkChainProof(file, trusted)).rejects.toThrow(
        expect.objectContaining({ name: "BadProof" }),
      );
    }
  });
});

test("a certificate that does not begin where the factories do says so", async () => {
  const file = join(folder, "part.jsonl.gz");
  await writeTo(file, 20);
  const { head } = await checkChainProof(file, trusted);
  expect(head.isWholeHistory).toBe(false);
});
