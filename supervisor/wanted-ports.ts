import { namesNoChain } from "../config/parse-chains.ts";
import type { Parsed } from "../config/section.ts";
import type { WantedPort } from "../local/check-ports.ts";
import type { SERVICE_SECTIONS } from "./check-configuration.ts";

/** Every port that is asked for. Those of embedded parts count only where the part is embedded. */
export function wantedPorts(
  { api, indexer, relay, local }: Parsed<typeof SERVICE_SECTIONS>,
  env: NodeJS.ProcessEnv,
): WantedPort[] {
  const hostname = "127.0.0.1";
  const ports = [
    { variable: "API_PORT", ...api },
    { variable: "INDEXER_PORT", ...indexer },
    { variable: "RELAY_PORT", port: relay.port, hostname: relay.hostname },
  ];
  const embedded = (variable: string, port: number) => ports.push({ variable, port, hostname });
  if (!env.DATABASE_URL) embedded("POSTGRES_PORT", local.postgresPort);
  if (!env.PUBSUB_PROJECT_ID && !env.PUBSUB_EMULATOR_HOST)
    embedded("PUBSUB_PORT", local.pubsubPort);
  if (namesNoChain(env)) embedded("CHAIN_PORT", local.chainPort);
  return ports;
}
