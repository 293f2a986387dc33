import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import type pg from "pg";
import { graphql } from "ponder";
import { UnreadableEvent } from "../events/upcast.ts";
import { consistentReads } from "./consistent-reads.ts";
import { escrowRoutes } from "./escrow-routes.ts";
import { partyRoutes } from "./party-routes.ts";
import { readIndexedState } from "./read-indexed-state.ts";
import { unreadable } from "./request-error.ts";
import { retryOnLockTimeout } from "./retry-on-lock-timeout.ts";
import { singleFlight } from "./single-flight.ts";

/*
 * The query side. `/health`, `/ready`, `/status` and `/metrics` are the engine's own and come
 * before these routes. Its SQL over HTTP can be made to run any statement and to end the process:
 * it is mounted nowhere.
 */
const app = new Hono();

// The engine's type leaves the pool of its readers out (ponder 0.17).
retryOnLockTimeout((db as unknown as { $client: pg.Pool }).$client, 10_000);

// The engine answers 500 to every error; a mistake in the request is the reader's to fix.
app.onError((error) => {
  if (error instanceof HTTPException) return error.getResponse();
  if (error instanceof UnreadableEvent) return unreadable(error.message).getResponse();
  throw error;
});
app.get("/", (c) =>
  c.json({
    graphql: "/graphql",
    rest: ["/v1/escrows", "/v1/escrows/{chainId}/{address}", "/v1/parties/{chainId}/{address}"],
    operations: ["/health", "/ready", "/status", "/metrics"],
  }),
);
const consistent = consistentReads(singleFlight(readIndexedState), {
  holdMs: 10_000,
  acceptAfterMs: 30_000,
  askAgain: (request) => app.fetch(request),
});
for (const path of ["/graphql", "/v1/*"]) app.use(path, consistent);
app.use("/graphql", graphql({ db, schema }));
app.route("/v1/escrows", escrowRoutes);
app.route("/v1/parties", partyRoutes);

export default app;
