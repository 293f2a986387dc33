import { promisify } from "node:util";
import { gzip } from "node:zlib";

const TITLE = "escrow-stream GraphQL";
const FIRST_QUESTION = `# Ctrl-Space completes, Ctrl-Enter asks. The book on the left has every type.
{
  escrows(first: 5, where: { status: [CREATED, APPROVED] }) {
    totalCount
    nodes {
      address
      amount
      payer
      payee
      createdAt
      events {
        nodes {
          type
          blockNumber
        }
      }
    }
  }
}
`;

let page: Promise<Buffer> | null = null;

/**
 * The explorer as one page, compressed with gzip: GraphiQL with its editor, fonts and workers, out of
 * an npm package. Nothing of it comes from elsewhere. It is made when it is first asked for.
 */
export function explorerPage(): Promise<Buffer> {
  page ??= makePage();
  return page;
}

async function makePage(): Promise<Buffer> {
  const { renderGraphiQL } = await import("@graphql-yoga/render-graphiql");
  const html = renderGraphiQL({ title: TITLE, defaultQuery: FIRST_QUESTION });
  return await promisify(gzip)(html);
}
