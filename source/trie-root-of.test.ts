import { MerklePatriciaTrie } from "@ethereumjs/mpt";
import fc from "fast-check";
import { hexToBytes, toHex, toRlp } from "viem";
import { expect, test } from "vitest";
import type { Hex } from "../src/events/escrow-event.ts";
import { EMPTY_ROOT, trieRootOf } from "./trie-root-of.ts";

/** Of 0 to 70 bytes: those below 32 stand in the node above them. */
const values = (maxLength: number) =>
  fc.array(
    fc.uint8Array({ minLength: 1, maxLength: 70 }).map((bytes) => toHex(bytes)),
    { maxLength },
  );

test("the root is the one that the trie of another hand gives, whatever the values", async () => {
  await fc.assert(
    fc.asyncProperty(values(40), async (each) => {
      expect(trieRootOf(each)).toBe(await oracle(each));
    }),
    { numRuns: 60 },
  );
});

test.each([127, 128, 129, 255, 256, 257, 700])(
  "the root of %i values is right, where the keys grow longer",
  async (count) => {
    const each = Array.from({ length: count }, (_, at) =>
      toHex(`value ${at}`.repeat(1 + (at % 9))),
    );
    expect(trieRootOf(each)).toBe(await oracle(each));
  },
);

test("a trie of nothing has the root that empty blocks have in their headers", async () => {
  expect(trieRootOf([])).toBe(EMPTY_ROOT);
  expect(toHex(new MerklePatriciaTrie().root())).toBe(EMPTY_ROOT);
});

async function oracle(values: readonly Hex[]): Promise<Hex> {
  const trie = new MerklePatriciaTrie();
  for (const [index, value] of values.entries())
    await trie.put(hexToBytes(toRlp(index === 0 ? "0x" : toHex(index))), hexToBytes(value));
  return toHex(trie.root());
}
