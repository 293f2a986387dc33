import { parentPort, workerData } from "node:worker_threads";
import type { Chain } from "../config/chain-deployment.ts";
import type { GuardMessage } from "./guard-engine.ts";
import { openSources } from "./open-sources.ts";
import { serveRpc } from "./serve-rpc.ts";

/* The thread that `guardEngine` starts: verified sources of all chains, served on loopback. */

const post = (message: GuardMessage): void => parentPort?.postMessage(message);
const chains = workerData as Chain[];
const { urlOf } = await serveRpc(openSources(chains, (event, text) => post({ event, text })));
post({ urls: chains.map(({ chainId }) => [chainId, urlOf(chainId)]) });
