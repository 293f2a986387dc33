import { db } from "ponder:api";
import schema from "ponder:schema";
import { Hono } from "hono";
import { client, graphql } from "ponder";
import { escrowRoutes } from "./escrow-routes.ts";

/*
 * The query side. `/health`, `/ready`, `/status` and `/metrics` are the engine's own and come
 * before these routes.
 */
const app = new Hono();

app.get("/", (c) =>
  c.json({
    graphql: "/graphql",
    sql: "/sql/*",
    rest: ["/v1/escrows", "/v1/escrows/{chainId}/{address}"],
    operations: ["/health", "/ready", "/status", "/metrics"],
  }),
);
app.use("/graphql", graphql({ db, schema }));
app.use("/sql/*", client({ db, schema }));
app.route("/v1/escrows", escrowRoutes);

export default app;
