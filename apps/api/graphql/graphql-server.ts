import {
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLError,
  getOperationAST,
  Kind,
  parse,
} from "graphql";
import { createYoga, type Plugin, type YogaLogger } from "graphql-yoga";
import type { Context } from "hono";
import type { EventLog } from "../../../config/event-log.ts";
import type { ApiEnv } from "../api-env.ts";
import { answerQuestion } from "./answer-question.ts";
import type { Result } from "./execute-in-snapshot.ts";
import { toGraphqlError } from "./graphql-errors.ts";
import { KnownQuestions } from "./known-questions.ts";
import { checkQuestion } from "./limits/check-question.ts";
import { DocumentCache } from "./limits/document-cache.ts";
import { introspectionRule } from "./limits/introspection-rule.ts";
import { QUERY_LIMITS } from "./limits/query-limits.ts";
import { createSchema } from "./schema.ts";
import { subscribeInSnapshots } from "./subscribe/subscribe-in-snapshots.ts";
import type { SubscriptionContext } from "./subscribe/subscription-type.ts";

const BAD = "ES-REQUEST-BAD";
/** What Yoga calls an error that nobody foresaw. */
const UNFORESEEN = "INTERNAL_SERVER_ERROR";

type ServerContext = SubscriptionContext & {
  c: Context<ApiEnv>;
  /** What is to be said, when nothing is left to be read. */
  result?: Result | undefined;
};

/** Answers GraphQL over HTTP: what it takes and how it answers is Yoga's, what is read is ours. */
export function createGraphqlServer({ log }: { log: EventLog }) {
  const schema = createSchema();
  const failed = (error: unknown): { errors: GraphQLError[] } => ({
    errors: [toGraphqlError(error, log)],
  });
  const known = new KnownQuestions(schema, failed);
  const yoga = createYoga<ServerContext>({
    schema,
    graphqlEndpoint: "/graphql",
    plugins: [ours(known, failed)],
    parserAndValidationCache: {
      documentCache: new DocumentCache<DocumentNode>(),
      errorCache: new DocumentCache<unknown>(),
      validationCache: true,
    },
    batching: false,
    multipart: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    // The platform's own: Yoga's stand-ins for older ones are slower.
    fetchAPI: {
      ...{ Request, Response: OpenResponse, Headers, ReadableStream },
      ...{ TextDecoder, TextEncoder, URL },
    },
    logging: unforeseen(log),
  });
  return { yoga, known };
}

/**
 * A response to which headers can be added later. Given as a plain object, as Yoga does, they would
 * be read again from there, without those, where the server makes a stream of the answer.
 */
class OpenResponse extends Response {
  constructor(body?: BodyInit | null, init?: ResponseInit) {
    super(body, { ...init, headers: new Headers(init?.headers) });
  }
}

/** What Yoga cannot tell a client goes to the log. */
function unforeseen(log: EventLog): YogaLogger {
  const nothing = (): void => undefined;
  return {
    ...{ debug: nothing, info: nothing, warn: nothing },
    error: (error: unknown) => void toGraphqlError(error, log),
  };
}

function ours(
  known: KnownQuestions,
  failed: (error: unknown) => { errors: GraphQLError[] },
): Plugin<object, ServerContext> {
  return {
    onParse({ setParseFn }) {
      setParseFn((source, options) =>
        parse(source, { ...options, maxTokens: QUERY_LIMITS.tokens }),
      );
    },
    onValidate({ addValidationRule }) {
      addValidationRule(introspectionRule);
    },
    onResultProcess({ result }) {
      // A question that is refused as a whole is the fault of whoever asked, whatever they accept.
      if (!("errors" in result) || result.data != null) return;
      for (const { extensions, path } of result.errors ?? []) {
        if (path !== undefined) continue;
        const { code = BAD } = extensions;
        if (code !== BAD && (code === UNFORESEEN || String(code).startsWith("ES-"))) continue;
        extensions.code = BAD;
        const { http } = extensions;
        // Yoga marks a status that it would not use for every client.
        extensions.http = {
          ...http,
          status: http?.spec ? 400 : (http?.status ?? 400),
          spec: false,
        };
      }
    },
    onExecute({ args, setExecuteFn, setResultAndStopExecution }) {
      const { c, result } = args.contextValue as unknown as ServerContext;
      const refused = result === undefined ? refusal(args) : null;
      if (result !== undefined) setResultAndStopExecution(result);
      else if (refused !== null) setResultAndStopExecution(failed(refused));
      else if (!isAboutSchema(args.document, args.operationName)) {
        known.note(args.document, args.operationName);
        setExecuteFn((args) => execute(args, c.get("answer")).catch(failed));
      }
    },
    onSubscribe({ args, setSubscribeFn, setResultAndStopExecution }) {
      const refused = refusal(args);
      if (refused !== null) setResultAndStopExecution(failed(refused));
      else setSubscribeFn((args) => subscribeInSnapshots(args, readOf(args), failed));
    },
  };
}

async function execute(
  args: ExecutionArgs,
  answer: ApiEnv["Variables"]["answer"],
): Promise<Result> {
  const answered = await answerQuestion(args, answer);
  if ("refused" in answered) return answered.refused;
  // Only its text is looked at, and that there is something.
  return { data: {}, stringify: () => answered.text };
}

/** What is over a limit, before anything is read; null when nothing is. */
function refusal({ schema, document, operationName, variableValues }: ExecutionArgs): unknown {
  try {
    checkQuestion(schema, document, operationName, variableValues ?? {});
    return null;
  } catch (error) {
    return error;
  }
}

function readOf({ contextValue }: ExecutionArgs): ApiEnv["Variables"]["read"] {
  return (contextValue as ServerContext).c.get("read");
}

/** Whether nothing but the schema is asked for: then there is nothing to read. */
function isAboutSchema(document: DocumentNode, operationName: string | null | undefined): boolean {
  const operation = getOperationAST(document, operationName);
  return (operation?.selectionSet.selections ?? []).every(
    (each) => each.kind === Kind.FIELD && each.name.value.startsWith("__"),
  );
}
