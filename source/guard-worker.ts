import { setTimeout } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import type { ChainSource } from "./chain-source.ts";
import type { GuardData, GuardMessage } from "./guard-engine.ts";
import { startIndexerServer } from "./indexer-server.ts";
import { openSources } from "./open-sources.ts";
import { serveRpc } from "./serve-rpc.ts";

/*
 * The thread that `guardEngine` starts: verified sources of all chains, served on loopback, and what
 * there is to know about the indexer.
 */

const SURVEY_MS = 15_000;

const post = (message: GuardMessage): void => parentPort?.postMessage(message);
const { chains, http } = workerData as GuardData;
const sources = openSources(chains, (event, text) => post({ event, text }));
const { urlOf } = await serveRpc(sources, (chainId, { code, message }) =>
  post({ code, text: `chain ${chainId}: ${message}` }),
);
const named = sources.map((source, at) => ({ name: chains[at]?.name ?? "", source }));
const server = http === null ? null : await startIndexerServer({ ...http, chains: named });
post({
  urls: chains.map(({ chainId }) => [chainId, urlOf(chainId)]),
  httpPort: server?.port ?? null,
});
for (const source of sources) void surveyForEver(source);

/** Each chain for itself: one that hangs keeps no other waiting. */
async function surveyForEver(source: ChainSource): Promise<never> {
  for (;;) {
    await source.survey();
    await setTimeout(SURVEY_MS);
  }
}
