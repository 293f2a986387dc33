import { closeSync, openSync, readSync } from "node:fs";
import { CodedError } from "../../config/coded-error.ts";
import { ConfigError } from "../../config/config-error.ts";
import { checkChainProof } from "./check-chain-proof.ts";
import { BadProof } from "./read-proven-block.ts";

/** The first bytes of what gzip wrote. */
const GZIP = Buffer.from([0x1f, 0x8b]);

/** Whether a file is a long certificate, by its first bytes: the short one is plain JSON. */
export function isProofFile(path: string): boolean {
  const bytes = Buffer.alloc(GZIP.length);
  const file = openSync(path, "r");
  try {
    readSync(file, bytes);
  } finally {
    closeSync(file);
  }
  return bytes.equals(GZIP);
}

/**
 * Checks a long certificate, without a node and without a database.
 *
 * @param trusted hash of its last block
 * @returns lines that say what is proven, and what that rests on
 * @throws ConfigError without the hash; CodedError when it does not prove what it says
 */
export async function checkProofFile(path: string, trusted: string | undefined): Promise<string[]> {
  if (trusted === undefined)
    throw new ConfigError([
      {
        where: "--block-hash",
        what: "is missing: the hash of the certificate's last block, from wherever you trust",
      },
    ]);
  try {
    const { head, end, byType, believedHashes } = await checkChainProof(path, trusted);
    const { chainId, name, from, to, factories, isWholeHistory } = head;
    const types = Object.entries(byType).map(([type, count]) => `${count} ${type}`);
    return [
      `chain ${chainId} (${name}), blocks ${from} to ${to}: proven by ${end.blocks} headers and the receipts of ${end.receiptsBlocks} blocks, as far as block ${to} ${trusted} is the chain's`,
      `${end.events} events of ${end.escrows} escrows${types.length > 0 ? `: ${types.join(", ")}` : ""}`,
      `sha256 ${end.sha256}`,
      ...factories.map(
        ({ address, startBlock, revision }) =>
          `factory ${address} from block ${startBlock}, ${revision ? `revision ${revision}` : "both revisions"}`,
      ),
      ...(isWholeHistory
        ? []
        : [`escrows that were announced before block ${from} are not known to it`]),
      ...(believedHashes === 0
        ? []
        : [`the transactions' hashes of ${believedHashes} blocks are believed, not proven`]),
    ];
  } catch (error) {
    if (!(error instanceof BadProof)) throw error;
    const text = `${path} does not prove what it says: ${error.message}`;
    throw new CodedError("ES-CERTIFICATE-BAD", text, { cause: error });
  }
}
