import fc from "fast-check";
import {
  execute,
  GraphQLError,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  parse,
  validate,
} from "graphql";
import { expect, test } from "vitest";
import { planOf } from "./question-plan.ts";

type Node = { id: number };

/** What was read, in order. */
const began: string[] = [];

const node: GraphQLObjectType<Node> = new GraphQLObjectType<Node>({
  name: "Node",
  fields: () => ({
    id: { type: new GraphQLNonNull(GraphQLInt) },
    nothing: { type: GraphQLString, resolve: () => null },
    never: { type: new GraphQLNonNull(GraphQLString), resolve: () => null },
    late: { type: GraphQLString, resolve: async ({ id }) => `late ${id}` },
    sum: {
      type: GraphQLInt,
      args: { with: { type: GraphQLInt, defaultValue: 7 } },
      resolve: ({ id }, args) => id + (args.with ?? 0),
    },
    odd: { type: node, resolve: ({ id }) => (id % 2 === 0 ? null : { id: id * 2 }) },
    next: { type: node, resolve: async ({ id }) => ({ id: id + 1 }) },
    all: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(node))),
      resolve: ({ id }) => [{ id }, { id: id + 1 }],
    },
    twin: {
      type: node,
      extensions: { columns: ["id"] },
      resolve: ({ id }) => {
        began.push(`twin of ${id}`);
        return { id };
      },
    },
    some: { type: new GraphQLList(node), resolve: async ({ id }) => [{ id }, null] },
    words: { type: new GraphQLList(GraphQLString), resolve: () => ["a", null] },
    refused: {
      type: GraphQLString,
      resolve: () => {
        throw new GraphQLError("refused");
      },
    },
    refusedLate: {
      type: node,
      extensions: { columns: ["id"] },
      resolve: () => Promise.reject(new GraphQLError("refused late")),
    },
  }),
});
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: "Query",
    fields: {
      root: { type: node, resolve: () => ({ id: 1 }) },
      byId: {
        type: node,
        args: { id: { type: new GraphQLNonNull(GraphQLInt) } },
        extensions: { keyOf: ({ id }: Node) => (id === 13 ? null : { id }) },
        resolve: async (_root, { id }) => {
          await new Promise((resolve) => setImmediate(resolve));
          began.push(`row ${id}`);
          return id < 0 ? null : { id };
        },
      },
    },
  }),
});

const leaves = ["id", "nothing", "late", "sum", "words", "__typename", "other: late"];
const alone = [...leaves, "sum(with: 2)", "sum(with: $n)", "sum(with: null)"].map(
  (text, at) =>
    `f${at}${text.includes(":") && !text.includes("(") ? "_" : ""}: ${text.replace("other: ", "")}`,
);

/** Selections of a node, as text. */
const selections = fc.letrec<{ set: string }>((tie) => ({
  set: fc
    .array(
      fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.constantFrom(...leaves, ...alone),
        fc
          .tuple(fc.constantFrom("odd", "next", "twin", "all", "some", "more: all"), tie("set"))
          .map(([field, set]) => `${field} ${set}`),
        tie("set").map((set) => `... on Node ${set}`),
      ),
      { minLength: 1, maxLength: 5 },
    )
    .map((all) => `{ ${all.join(" ")} }`),
})).set;

test("A plan answers every question as GraphQL's own execution does, field for field", async () => {
  await fc.assert(
    fc.asyncProperty(selections, fc.option(fc.nat(9), { nil: undefined }), async (set, n) => {
      const document = parse(`query ($n: Int = 3) {
        root ${set} again: root { sum(with: $n) }
        byId(id: 5) ${set} gone: byId(id: -1) ${set} }`);
      expect(validate(schema, document)).toEqual([]);
      const variableValues = n === undefined ? {} : { n };
      const { data, errors } = await execute({ schema, document, variableValues });
      expect(errors).toBeUndefined();
      const planned = await planOf(schema, document, null)?.({}, variableValues);
      expect(JSON.stringify(planned)).toBe(JSON.stringify(data));
    }),
    { numRuns: 100 },
  );
});

test.each([
  ["{ root { refused } }", "refused"],
  ["{ root { next { refusedLate { id } } late } }", "refused late"],
  ["{ root { refusedLate { id } refused } }", "refused"],
  ["{ root { all { refusedLate { id } refused } } }", "refused"],
  ["{ root { never } }", "Cannot return null for non-nullable field Node.never."],
  ["query ($n: Int!) { root { sum(with: $n) } }", 'Variable "$n" of required type'],
])("%s fails with what is wrong, and leaves nothing behind", async (question, message) => {
  await expect(planOf(schema, parse(question), null)?.({}, {})).rejects.toThrow(message);
});

test.each([
  ["a directive", "query ($n: Boolean!) { root { id @skip(if: $n) } }"],
  ["a named fragment", "{ root { ...f } } fragment f on Node { id }"],
  ["a question about the schema", "{ root { id } __schema { queryType { name } } }"],
  ["a key that no plain object has", "{ root { __proto__: id } }"],
])("%s has no plan", (_what, question) => {
  expect(planOf(schema, parse(question), null)).toBeNull();
});

test("The operation that is named has the plan, and no other", () => {
  const document = parse("query a { root { id } }");
  expect(planOf(schema, document, "b")).toBeNull();
  expect(planOf(schema, document, "a")).toBe(planOf(schema, document, null));
});

test.each([
  ["together with the row", 5, ["twin of 5", "row 5"], { id: 5, twin: { id: 5 } }],
  ["after it where the arguments do not say its key", 13, ["row 13", "twin of 13"], {}],
  ["for nothing when there is no row", -1, ["twin of -1", "row -1"], null],
])("A relation for which a row's key is enough is read %s", async (_when, id, order, row) => {
  began.length = 0;
  const document = parse(`{ byId(id: ${id}) { id twin { id } } }`);
  const answer = await planOf(schema, document, null)?.({}, {});
  expect(began).toEqual(order);
  if (row === null) expect(answer).toEqual({ byId: null });
  else expect(answer).toMatchObject({ byId: row });
});

test("What goes wrong with a relation is nothing when there is no row", async () => {
  const plan = (id: number) =>
    planOf(schema, parse(`{ byId(id: ${id}) { refusedLate { id } } }`), null)?.({}, {});
  expect(await plan(-1)).toEqual({ byId: null });
  await expect(plan(1)).rejects.toThrow("refused late");
});
