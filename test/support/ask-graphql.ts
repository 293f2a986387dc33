type Answer = {
  status: number;
  headers: Headers;
  data?: unknown;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
  extensions?: unknown;
};

/** Asks a GraphQL server over HTTP. */
export async function askGraphql(
  { origin }: { origin: string },
  query: string,
  variables?: Record<string, unknown>,
): Promise<Answer> {
  const answer = await fetch(`${origin}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await answer.json()) as Omit<Answer, "status" | "headers">;
  return { status: answer.status, headers: answer.headers, ...body };
}
