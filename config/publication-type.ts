import type { PublicationConfig } from "@escrow-stream/relay";
import { z } from "zod";
import { topicId } from "./variable-types.ts";

/** `<topic>=<finalized | latest | confirmations>[;keys=<n>]` */
const publication = z.string().transform((text, context): PublicationConfig => {
  const match = /^([^=;]+)=(finalized|latest|\d{1,6})(?:;keys=([1-9]\d{0,5}))?$/.exec(text.trim());
  const topic = topicId.safeParse(match?.[1]);
  if (match === null || !topic.success) {
    context.addIssue(
      `"${text}" is not a publication; expected <topic id>=<finalized, latest, or a number of confirmations>, and perhaps ;keys=<number of hashed keys>`,
    );
    return z.NEVER;
  }
  const finality = match[2] === "finalized" || match[2] === "latest" ? match[2] : undefined;
  return {
    topic: topic.data,
    finality: finality ?? { confirmations: Number(match[2]) },
    ...(match[3] === undefined ? {} : { keyCount: Number(match[3]) }),
  };
});

/** Publications, separated by commas. Each topic may be there once. */
export const publicationList = z
  .string()
  .transform((value) => value.split(",").filter((text) => text.trim() !== ""))
  .pipe(publication.array().min(1, "expected at least one publication"))
  .superRefine((publications, context) => {
    const topics = publications.map(({ topic }) => topic);
    for (const topic of new Set(topics.filter((one, at) => topics.indexOf(one) !== at)))
      context.addIssue(`topic ${topic} is there twice`);
  });
