import { z } from "@hono/zod-openapi";

/** An error, as RFC 9457 has it, with the code that docs/reference/errors.md lists. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().openapi({ example: "ES-REQUEST-BAD" }),
    parameter: z.string().optional(),
    first_offset: z.int().optional(),
    last_offset: z.int().optional(),
    begin_after: z.int().optional().openapi({ description: "Where a feed may be begun." }),
  })
  .openapi("Problem");
