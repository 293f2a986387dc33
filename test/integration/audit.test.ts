import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { CertificateContent } from "../../proof/audit/certificate.ts";
import { AuditBed } from "../audit/audit-bed.ts";
import { auditedChain } from "../audit/audited-chain.ts";
import { CHAIN_SIDE_CORRUPTIONS, type Expected } from "../audit/corruptions.ts";

const bed = new AuditBed();
beforeAll(() => bed.start());
afterEach(() => bed.endTest());
afterAll(() => bed.stop());

/** What a certificate lists, in the form of what is expected. */
function found({ chains }: CertificateContent): Expected {
  const names = new Map<string, string[]>();
  const add = (kind: string, name: string) =>
    names.set(kind, [...new Set([...(names.get(kind) ?? []), name])].sort());
  for (const { findings, unknownSignatures } of chains) {
    for (const { kind, subject } of findings) add(kind, subject);
    for (const { topic0 } of unknownSignatures) add("unknown", topic0);
  }
  return [...names].map(([kind, list]) => ({ kind, names: list })) as Expected;
}

function inOrder(list: Expected): Expected {
  return list.map(({ kind, names }) => ({ kind, names: names.toSorted() }));
}

test("an event store that has what the chain has is certified as complete [G-17]", async () => {
  const scene = await bed.scene(auditedChain("whole"));
  const { result, chains, outsiders } = await scene.audit();
  expect(result).toBe("complete");
  expect(outsiders.count).toBe(0);
  expect(chains).toMatchObject([
    {
      range: { from: 1, to: 61, isWholeHistory: true, lastBlockHash: scene.chain.at(61).hash },
      rpc: { client: "simulated/v1", independence: "independent" },
      chain: { events: scene.events.length },
      blooms: { examined: 61, areUsable: true },
      findings: [],
      unknownSignatures: [],
    },
  ]);
  expect(chains[0]?.chain).toEqual(chains[0]?.store);
});

describe("The audit finds and names", () => {
  test.each(CHAIN_SIDE_CORRUPTIONS)("$name [G-17]", async ({ chain, plant }) => {
    const scene = await bed.scene(chain?.() ?? auditedChain("corrupted"));
    const expected = await plant(scene);
    const certificate = await scene.audit();
    expect(certificate.result).toBe("findings");
    expect(found(certificate)).toEqual(inOrder(expected));
  });

  test("everything that the documentation says, and no less", () => {
    const documented = readFileSync(
      join(import.meta.dirname, "../../docs/reference/checks.md"),
      "utf8",
    );
    for (const { name } of CHAIN_SIDE_CORRUPTIONS) expect(documented).toContain(`| ${name} |`);
  });

  // These look different when escrows are read by topic and once more by address.
  const byTopic = CHAIN_SIDE_CORRUPTIONS.filter(({ name }) =>
    /missing child|skipped block|renamed|without a signature|does not decode/.test(name),
  );
  test.each(byTopic)("$name, also when escrows are many", async ({ chain, plant }) => {
    const scene = await bed.scene(chain?.() ?? auditedChain("corrupted"));
    const expected = await plant(scene);
    expect(found(await scene.audit({ manyEscrows: 2 }))).toEqual(inOrder(expected));
  });
});
