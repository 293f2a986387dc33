import type { Parsed } from "../config/section.ts";
import type { WantedPort } from "../local/check-ports.ts";
import type { SERVICE_SECTIONS } from "./check-configuration.ts";

/**
 * The ports that our processes are asked to listen on. Those of embedded parts are checked when the
 * data folder is taken: until then a part that a killed owner left running may have them.
 */
export function wantedPorts({
  api,
  indexer,
  relay,
  witness,
}: Pick<Parsed<typeof SERVICE_SECTIONS>, "api" | "indexer" | "relay" | "witness">): WantedPort[] {
  return [
    { variable: "API_PORT", ...api },
    { variable: "INDEXER_PORT", ...indexer },
    { variable: "RELAY_PORT", port: relay.port, hostname: relay.hostname },
    { variable: "WITNESS_PORT", ...witness },
  ];
}
