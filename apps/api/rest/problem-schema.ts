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
  })
  .openapi("Problem");
