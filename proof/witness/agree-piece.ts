import { numberToHex } from "viem";
import { parseLogs } from "../../source/chain-log.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { newest } from "../audit/event-differences.ts";
import { addToHistory, EMPTY_HISTORY } from "../audit/history-hash.ts";
import { noteAnnouncement, readLog } from "../audit/read-log.ts";
import type { PieceRange, ProvenPiece } from "./prove-piece.ts";
import type { Basis } from "./witness-records.ts";

/**
 * What takes the place of a proof where there can be none: the logs that endpoints agree on, or
 * nothing but the engine's word.
 *
 * @param basis `agree:<n>`: the source asks n endpoints; `trust`: nothing is asked but two headers
 * @throws RpcProblem when not so many endpoints give the same
 */
export async function agreePiece(
  { source, contracts, from, to }: Omit<PieceRange, "lastHash" | "parentHash">,
  basis: Basis,
): Promise<ProvenPiece> {
  const [first, last] = [
    (await source.block({ number: from })).block,
    (await source.block({ number: to })).block,
  ];
  const events: EscrowEvent[] = [];
  let history = EMPTY_HISTORY;
  if (basis !== "trust") {
    const topics = [...contracts.announcements, ...contracts.escrowTopics];
    const [fromBlock, toBlock] = [numberToHex(from), numberToHex(to)];
    const raw = await source.logs({ fromBlock, toBlock, topics: [topics] });
    const logs = parseLogs(raw, { fromBlock: from, toBlock: to, topics });
    for (const log of logs) noteAnnouncement(contracts, log);
    for (const log of logs) {
      if (contracts.roleOf(log.address, log.blockNumber) === null) continue;
      const { block } = await source.block({ hash: log.blockHash });
      const result = readLog(source.chainId, contracts, log, BigInt(block.timestamp));
      if (result?.is !== "event") continue;
      const event = newest(result.event);
      events.push(event);
      history = addToHistory(history, event);
    }
  }
  const piece = {
    ...{
      from,
      to,
      lastHash: last.hash,
      history,
      basis,
      headers: 2,
      receiptsBlocks: 0,
      bloomBlocks: 0,
    },
    ...{ firstTime: BigInt(first.timestamp), lastTime: BigInt(last.timestamp), namedBy: [] },
  };
  return { piece, events, parentHash: first.parentHash };
}
