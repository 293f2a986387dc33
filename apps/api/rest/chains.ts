import { z } from "@hono/zod-openapi";
import { presentProgress } from "../serve/present-progress.ts";
import type { Route } from "./add-route.ts";

const time = z.string().openapi({ description: "Unix seconds." });

export const chains: Route<Record<never, never>, Record<never, never>> = {
  path: "/v1/chains",
  tag: "chains",
  summary: "How far each chain is indexed, final and verified",
  params: {},
  query: {},
  answer: z.object({
    is_backfilled: z.boolean(),
    is_catching_up: z.boolean(),
    standby_lag_seconds: z
      .number()
      .nullable()
      .openapi({ description: "How far a standby is behind; null on a primary." }),
    chains: z.array(
      z
        .object({
          chain_id: z.int(),
          name: z.string(),
          indexed_block: z.int(),
          indexed_at: time,
          final_block: z.int(),
          final_at: time,
          verified_block: z.int().nullable(),
          verified_at: time.nullable().openapi({ description: "When it was verified." }),
          events: z.int(),
        })
        .openapi("Chain"),
    ),
  }),
  isOfTheProgress: () => true,
  read: async ({ progress }) => presentProgress(progress),
};
