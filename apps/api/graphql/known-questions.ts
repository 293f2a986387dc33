import type { IncomingMessage } from "node:http";
import { type DocumentNode, type GraphQLSchema, getOperationAST } from "graphql";
import type { Context } from "hono";
import type { ApiEnv } from "../api-env.ts";
import { ClientGone } from "../serve/request-context.ts";
import { answerQuestion } from "./answer-question.ts";
import type { Result } from "./execute-in-snapshot.ts";
import { checkQuestion } from "./limits/check-question.ts";
import { DocumentCache } from "./limits/document-cache.ts";
import { QUERY_LIMITS } from "./limits/query-limits.ts";

type Body = {
  query: string;
  variables?: Record<string, unknown> | null;
  operationName?: string | null;
};

/** The types of answer that are asked for by those who say nothing special. */
const TYPES: Record<string, string> = {
  "": "application/graphql-response+json; charset=utf-8",
  "*/*": "application/graphql-response+json; charset=utf-8",
  "application/json": "application/json; charset=utf-8",
};

/** The same request for Yoga, and what it only has to say, when that is known. */
export type Rest = { request: Request; result?: Result };

/**
 * Answers questions that were asked before and found right. Everything else is Yoga's: to parse and
 * check a question, to say what is wrong, to stream.
 */
export class KnownQuestions {
  readonly #documents = new DocumentCache<DocumentNode>();
  readonly #schema: GraphQLSchema;
  readonly #failed: (error: unknown) => Result;

  constructor(schema: GraphQLSchema, failed: (error: unknown) => Result) {
    this.#schema = schema;
    this.#failed = failed;
  }

  /** Notes a document that was checked and is executed. */
  note(document: DocumentNode, operationName: string | null | undefined): void {
    const text = document.loc?.source.body;
    const isQuery = getOperationAST(document, operationName)?.operation === "query";
    if (text !== undefined && isQuery && document.definitions.length === 1)
      this.#documents.set(text, document);
  }

  /** @returns the answer, or what is left for Yoga; null when nothing was done yet */
  async answer(c: Context<ApiEnv>): Promise<Response | Rest | null> {
    const type = TYPES[c.req.header("accept") ?? ""];
    const { incoming } = c.env;
    const length = Number(c.req.header("content-length"));
    const isPlain = c.req.method === "POST" && c.req.header("content-type") === "application/json";
    const isBounded = length > 0 && length <= QUERY_LIMITS.bodyBytes;
    if (type === undefined || incoming === undefined || !isPlain || !isBounded) return null;
    const text = await textOfBody(incoming);
    const { url, raw } = c.req;
    const again = () =>
      new Request(url, { method: "POST", headers: raw.headers, body: text, signal: raw.signal });
    const body = parseBody(text);
    const document = body === null ? undefined : this.#documents.get(body.query);
    if (body === null || document === undefined) return { request: again() };
    const { variables: variableValues, operationName } = body;
    try {
      checkQuestion(this.#schema, document, operationName, variableValues ?? {});
      const args = { schema: this.#schema, document, operationName, variableValues };
      const answered = await answerQuestion(args, c.get("answer"));
      if ("refused" in answered) return { request: again(), result: answered.refused };
      c.set("isSmall", answered.text.length < 1_024);
      return c.body(answered.text, 200, { "content-type": type, vary: "accept-encoding" });
    } catch (error) {
      return { request: again(), result: this.#failed(error) };
    }
  }
}

/**
 * Straight from the socket: a stream of the platform's kind costs as much as the rest of a request,
 * and an iterator over this one a part of it.
 *
 * @throws ClientGone when it ends before its end
 */
function textOfBody(incoming: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const gone = (cause?: Error): void =>
      reject(new ClientGone("the body is not whole", { cause }));
    // Then it says nothing any more.
    if (incoming.destroyed) return gone();
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.once("end", () => resolve(Buffer.concat(chunks).toString()));
    incoming.once("error", gone);
    incoming.once("close", () => incoming.readableEnded || gone());
  });
}

/** @returns null for what Yoga has something to say about */
function parseBody(text: string): Body | null {
  try {
    const body = JSON.parse(text) as Body & { extensions?: unknown };
    const { query, variables, operationName, ...others } = body ?? {};
    const isPlain =
      typeof query === "string" &&
      (variables == null || (typeof variables === "object" && !Array.isArray(variables))) &&
      (operationName == null || typeof operationName === "string") &&
      Object.keys(others).length === 0;
    return isPlain ? body : null;
  } catch {
    return null;
  }
}
