import { type MessageFields, readMessageFields } from "./message-wire.ts";

/** An encoded PubsubMessage whose fields are decoded when they are first asked for. */
export class MessageView {
  readonly bytes: Buffer;
  #fields: MessageFields | undefined;
  #attributes: ReadonlyMap<string, string> | undefined;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get fields(): MessageFields {
    this.#fields ??= readMessageFields(this.bytes);
    return this.#fields;
  }

  get data(): Buffer {
    return this.fields.data;
  }

  get orderingKey(): string {
    return this.fields.orderingKey.toString("utf8");
  }

  get attributes(): ReadonlyMap<string, string> {
    this.#attributes ??= new Map(
      this.fields.attributes.map(({ key, value }) => [
        key.toString("utf8"),
        value.toString("utf8"),
      ]),
    );
    return this.#attributes;
  }
}
