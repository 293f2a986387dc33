import { createHash } from "node:crypto";
import type { ChainDeployment } from "../../config/chain-deployment.ts";
import { EVENT_CATALOGUE, EVENT_TYPES } from "../../src/events/event-catalogue.ts";
import { newestVersions } from "../../src/events/upcast.ts";
import { canonicalJson } from "../audit/canonical-json.ts";

/**
 * Names what is followed on a chain, and in which form its events are hashed: proof for one scope
 * says nothing about another one.
 */
export function scopeOf({ factories }: Pick<ChainDeployment, "factories">): string {
  const followed = factories
    .map(({ address, startBlock, revision }) =>
      canonicalJson([address.toLowerCase(), startBlock, revision ?? "both"]),
    )
    .sort();
  const events = EVENT_TYPES.map((type) => EVENT_CATALOGUE[type].revisions);
  const content = canonicalJson([followed, events, newestVersions()]);
  return createHash("sha256").update(content).digest("hex").slice(0, 16);
}
