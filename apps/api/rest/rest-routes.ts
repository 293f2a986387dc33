import { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "../api-env.ts";
import type { FeedParts } from "../feed/feed-parts.ts";
import { addFeedRoutes } from "../feed/feed-routes.ts";
import { addRoute } from "./add-route.ts";
import { chains } from "./chains.ts";
import { escrowApprovals } from "./lists/escrow-approvals.ts";
import { escrowEvents } from "./lists/escrow-events.ts";
import { escrows } from "./lists/escrows.ts";
import { parties } from "./lists/parties.ts";
import { settlementMinutes } from "./lists/settlement-minutes.ts";
import { settlements } from "./lists/settlements.ts";
import { stats } from "./lists/stats.ts";
import { oneEscrow } from "./one-escrow.ts";
import { oneParty } from "./one-party.ts";

const DESCRIPTION = `Escrows of EscrowFactory contracts, as the indexer keeps them.

Amounts are wei and times are Unix seconds, both as decimal text; addresses and hashes are lower-case hex. Every answer says in its headers how far each chain is: \`x-indexed-block\`, \`x-final-block\`, \`x-verified-block\` and the same with \`-at\`, as \`<chain id>=<value>\` separated by spaces. Errors are problem documents (RFC 9457) with a code. An answer's ETag gets 304 while nothing has changed.`;

/** REST: everything below `/v1`, and its OpenAPI document at `/openapi.json`. */
export function restRoutes(feed: FeedParts): OpenAPIHono<ApiEnv> {
  const app = new OpenAPIHono<ApiEnv>();
  addRoute(app, escrows);
  addRoute(app, oneEscrow);
  addRoute(app, escrowApprovals);
  addRoute(app, escrowEvents);
  addRoute(app, settlements);
  addRoute(app, settlementMinutes);
  addRoute(app, parties);
  addRoute(app, oneParty);
  addRoute(app, stats);
  addRoute(app, chains);
  addFeedRoutes(app, feed);
  let document: string | undefined;
  app.get("/openapi.json", (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: "3.1.0",
        info: { title: "escrow-stream", version: "1", description: DESCRIPTION },
        servers: [{ url: "/" }],
      }),
    );
    return c.body(document, 200, { "content-type": "application/json" });
  });
  return app;
}
