import { invalidArgument } from "./grpc-error.ts";

/**
 * One page of a list, by name. The token of the next page is the last name of this one, so that
 * creations and deletions between two calls neither repeat nor skip others.
 */
export function listPage(
  names: Iterable<string>,
  { pageSize, pageToken }: { pageSize: number; pageToken: string },
): { names: string[]; nextPageToken: string } {
  if (pageSize < 0) throw invalidArgument("The page size must not be negative.");
  const after = Buffer.from(pageToken, "base64url").toString();
  const rest = [...names].sort().filter((name) => name > after);
  const page = rest.slice(0, pageSize === 0 ? 1_000 : Math.min(pageSize, 1_000));
  const last = page.at(-1);
  const hasMore = last !== undefined && page.length < rest.length;
  return { names: page, nextPageToken: hasMore ? Buffer.from(last).toString("base64url") : "" };
}
