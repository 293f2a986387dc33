import { z } from "@hono/zod-openapi";
import { isAddress } from "viem/utils";

/*
 * What a parameter of a path or query may be. Each says what was sent and what was expected.
 */

type Range = { min: number; max: number };

const LONGEST_SHOWN = 80;

/** @throws never: a value as it may stand in an error */
function shown(value: unknown): string {
  const text = String(value);
  return `"${text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text}"`;
}

const isSpelled = (hex: string): boolean =>
  hex === hex.toLowerCase() || hex.slice(2) === hex.slice(2).toUpperCase() || isAddress(hex);

/** An address, in lower case from here on. In mixed case its checksum (EIP-55) has to be right. */
export const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, {
    error: ({ input }) => `${shown(input)} is not an address: expected 0x and 40 hex digits`,
    abort: true,
  })
  .refine(isSpelled, {
    error: ({ input }) =>
      `${shown(input)} has a wrong checksum (EIP-55): check it, or send it in lower case`,
  })
  .transform((value) => value.toLowerCase())
  .openapi({ type: "string", example: "0x07e7876a32feec2ce734aae93d9ab7623eaef4a3" });

/** A whole number, written in digits. */
export function whole({ min, max }: Range) {
  const expected = (input: unknown): string =>
    `${shown(input)} is not a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,16}$/, { error: ({ input }) => expected(input), abort: true })
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: ({ input }) => expected(input) })
    .openapi({ type: "integer", minimum: min, maximum: max });
}

export const chainId = whole({ min: 1, max: 2 ** 31 - 1 }).openapi({ example: 31337 });

export const block = whole({ min: 0, max: Number.MAX_SAFE_INTEGER });

/** Unix seconds, as text. */
export const time = z
  .string()
  .regex(/^\d{1,15}$/, {
    error: ({ input }) => `${shown(input)} is not a time: expected Unix seconds`,
  })
  .openapi({ type: "string", example: "1733115182" });

/** Wei, as decimal text. */
export const amount = z
  .string()
  .regex(/^\d{1,78}$/, {
    error: ({ input }) => `${shown(input)} is not an amount: expected wei in decimal digits`,
  })
  .openapi({ type: "string", example: "1000000000000000000" });

export const yesOrNo = z
  .enum(["true", "false"], { error: ({ input }) => `${shown(input)} is not true or false` })
  .transform((value) => value === "true")
  .openapi({ type: "boolean" });

/** One of some words. */
export function word<const W extends string>(what: string, words: readonly W[]) {
  return z.enum(words, {
    error: ({ input }) => `${shown(input)} is not ${what}: expected ${words.join(", ")}`,
  });
}

/** Several of some words, separated by commas, each counted once. */
export function words<const W extends string>(what: string, known: readonly W[]) {
  return z
    .string()
    .transform((value) => [...new Set(value.split(","))])
    .pipe(z.array(word(what, known)))
    .openapi({ type: "string", example: known.slice(0, 2).join(",") });
}
