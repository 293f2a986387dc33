import pg from "pg";
import { grants } from "./grants.ts";
import type { Facts } from "./read-facts.ts";
import { READER_SETTINGS, READER_TEMP_FILES } from "./reader-limits.ts";
import { READER_MARK, type RoleNames, SCHEMAS } from "./role-names.ts";
import { scramVerifier } from "./scram-verifier.ts";

const id = pg.escapeIdentifier;
const text = pg.escapeLiteral;

export type WantedRoles = {
  names: RoleNames;
  /** Passwords of roles: of those that are made, and of others that are to have another one. */
  passwords: ReadonlyMap<string, string>;
  /** Connections of each reader. */
  connections: number;
};

export type RolesPlan = {
  /** In their order, for one transaction. */
  statements: string[];
  /** What this database cannot enforce as we are, in sentences. */
  notes: string[];
};

/** Says what makes the roles and gives each what it needs. Done twice, it changes nothing. */
export function planRoles(facts: Facts, wanted: WantedRoles): RolesPlan {
  const { names } = wanted;
  const { me } = facts;
  const owners = [names.indexer, names.relay];
  return {
    statements: [
      ...owners.flatMap((name) => roleStatements(facts, wanted, name)),
      ...names.readers.flatMap((name) => [
        ...roleStatements(facts, wanted, name),
        ...readerStatements(facts, wanted, name),
      ]),
      // Whoever is no superuser has to be a role to give what it owns.
      ...(me.isSuperuser
        ? []
        : owners
            .filter((name) => name !== me.name && !facts.roles.get(name)?.isMine)
            .map((name) => `grant ${id(name)} to ${id(me.name)}`)),
      ...databaseStatements(facts, names),
      ...schemaStatements(facts, names),
      ...grants(facts, names),
    ],
    notes: notesOf(facts, names),
  };
}

function roleStatements(facts: Facts, { passwords }: WantedRoles, name: string): string[] {
  const role = facts.roles.get(name);
  const password = passwords.get(name);
  const secret = password === undefined ? "" : ` password ${text(scramVerifier(password))}`;
  if (role === undefined)
    return [`create role ${id(name)} login nosuperuser nocreatedb nocreaterole${secret}`];
  return secret === "" && role.mayLogin ? [] : [`alter role ${id(name)} login${secret}`];
}

function readerStatements({ me, version }: Facts, wanted: WantedRoles, name: string): string[] {
  const { indexer, relay } = wanted.names;
  const settings = Object.entries(READER_SETTINGS).filter(
    ([setting]) => setting !== "transaction_timeout" || version >= 17,
  );
  return [
    `comment on role ${id(name)} is ${text(`${READER_MARK}: reads schema ${SCHEMAS.views} and the feed, and nothing else`)}`,
    `alter role ${id(name)} connection limit ${wanted.connections}`,
    ...settings.map(([setting, value]) => `alter role ${id(name)} set ${setting} = ${text(value)}`),
    ...(me.maySetTempFileLimit
      ? [`alter role ${id(name)} set temp_file_limit = ${text(READER_TEMP_FILES)}`]
      : []),
    // So that they may see and end its sessions. It gets nothing of theirs by that.
    `grant ${id(name)} to ${id(indexer)}, ${id(relay)}${version >= 16 ? " with inherit true, set false" : ""}`,
  ];
}

function databaseStatements({ database, me }: Facts, names: RoleNames): string[] {
  const { indexer, relay, readers } = names;
  return [
    ...(me.ownsDatabase
      ? [
          `revoke temporary on database ${id(database)} from public`,
          `grant connect, create, temporary on database ${id(database)} to ${id(indexer)}`,
          `grant connect, temporary on database ${id(database)} to ${id(relay)}`,
          `grant connect on database ${id(database)} to ${readers.map(id).join(", ")}`,
        ]
      : []),
    ...(me.ownsPublicSchema ? ["revoke create on schema public from public"] : []),
  ];
}

/** Makes the schemas that everybody relies on, and moves what is there to its owner. */
function schemaStatements({ schemas, objects }: Facts, { indexer, relay }: RoleNames): string[] {
  const ownerOf = (schema: string): string => (schema === SCHEMAS.journal ? relay : indexer);
  return [
    ...Object.values(SCHEMAS)
      .filter((name) => !schemas.some((schema) => schema.name === name))
      .map((name) => `create schema ${id(name)} authorization ${id(ownerOf(name))}`),
    ...schemas
      .filter(({ name, owner }) => owner !== ownerOf(name))
      .map(({ name }) => `alter schema ${id(name)} owner to ${id(ownerOf(name))}`),
    ...objects
      .filter(({ schema, owner }) => owner !== ownerOf(schema))
      .map(({ schema, kind, name }) => `alter ${kind} ${name} owner to ${id(ownerOf(schema))}`),
  ];
}

function notesOf({ me, version, roles, database }: Facts, names: RoleNames): string[] {
  const all = [names.indexer, names.relay, ...names.readers];
  return [
    ...all
      .filter((name) => roles.get(name)?.isSuperuser)
      .map(
        (name) =>
          `role ${name} is a superuser: nothing holds it back. Give the process another role`,
      ),
    ...(me.ownsDatabase
      ? []
      : [
          `role ${me.name} does not own database ${database}: its owner has to revoke temporary on it from public, and grant create and temporary to ${names.indexer}`,
        ]),
    ...(me.ownsPublicSchema || version >= 15
      ? []
      : ["everybody may make tables in schema public: its owner has to revoke create on it"]),
    ...(me.maySetTempFileLimit
      ? []
      : [
          "temp_file_limit needs a superuser: a reader's sorts may fill the disk until they are ended",
        ]),
  ];
}
