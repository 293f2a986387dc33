import { z } from "@hono/zod-openapi";
import { whole } from "../rest/parameters.ts";

/** A topic's id, as Pub/Sub allows it. */
export const publication = z
  .string()
  .regex(/^[A-Za-z][\w.~+%-]{2,254}$/, { error: "that is not the name of a publication" })
  .openapi({ example: "chain.events.v1" });

export const offset = whole({ min: 0, max: Number.MAX_SAFE_INTEGER });
