// Protocol Buffers messages written down as TypeScript: field names, numbers and types in one table, from which the types
// of decoded messages follow. @bufbuild/protobuf does the work; there is no generated code and no .proto file.
import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';

/** `T` is what a decoded field is; it exists for the compiler only. */
export type Field<T> = {
  readonly number: number;
  readonly type: Type;
  readonly label?: Label;
  /** Whether absence is told from the default value (proto3 `optional`). */
  readonly isOptional?: boolean;
  readonly message?: Message<Fields>;
  readonly decoded?: T;
};
type Fields = Readonly<Record<string, Field<unknown>>>;
export type Message<F extends Fields> = { readonly name: string; readonly fields: F };
/** What a message of these fields decodes to. */
export type Decoded<M> =
  M extends Message<infer F> ? { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never } : never;

export const text = (number: number): Field<string> => ({ number, type: Type.STRING });
/** Enumerations too: on the wire they are the same. */
export const int32 = (number: number): Field<number> => ({ number, type: Type.INT32 });
export const int64 = (number: number): Field<bigint> => ({ number, type: Type.INT64 });
export const uint32 = (number: number): Field<number> => ({ number, type: Type.UINT32 });
export const uint64 = (number: number): Field<bigint> => ({ number, type: Type.UINT64 });
export const bytes = (number: number): Field<Uint8Array> => ({ number, type: Type.BYTES });
export const flag = (number: number): Field<boolean> => ({ number, type: Type.BOOL });
export const optional = <T>(field: Field<T>): Field<T | undefined> => ({
  number: field.number,
  type: field.type,
  isOptional: true,
});
/** Many of what is no message. */
export const repeated = <T>({ number, type }: Field<T>): Field<readonly T[]> => ({
  number,
  type,
  label: Label.REPEATED,
});
export const listOf = <M extends Message<Fields>>(message: M, number: number): Field<readonly Decoded<M>[]> => ({
  number,
  type: Type.MESSAGE,
  label: Label.REPEATED,
  message,
});
/** A message that may be absent. Members of a `oneof` are written like this too: on the wire they are the same. */
export const oneOf = <M extends Message<Fields>>(message: M, number: number): Field<Decoded<M> | undefined> => ({
  number,
  type: Type.MESSAGE,
  message,
});

/** A map from text to messages, as its entries: on the wire they are the same. `name` is that of the entry's message. */
export const mapOf = <M extends Message<Fields>>(name: string, value: M, number: number) =>
  listOf(message(name, { key: text(1), value: oneOf(value, 2) }), number);

export const message = <F extends Fields>(name: string, fields: F): Message<F> => ({ name, fields });

function fieldProto([name, { number, type, label = Label.OPTIONAL, isOptional = false, message }]: [
  string,
  Field<unknown>,
]) {
  return { name, number, type, label, proto3Optional: isOptional, typeName: message ? `.${message.name}` : '' };
}

/** proto3 `optional` is a oneof of its own in a descriptor. */
function messageProto({ name, fields }: Message<Fields>) {
  const protos = Object.entries(fields).map(fieldProto);
  const optionals = protos.filter(({ proto3Optional }) => proto3Optional);
  return {
    name,
    field: protos.map((proto) => (proto.proto3Optional ? { ...proto, oneofIndex: optionals.indexOf(proto) } : proto)),
    oneofDecl: optionals.map((proto) => ({ name: `_${proto.name}` })),
  };
}

function reachable(root: Message<Fields>, found = new Map<string, Message<Fields>>()): Map<string, Message<Fields>> {
  if (found.has(root.name)) return found;
  found.set(root.name, root);
  for (const { message } of Object.values(root.fields)) if (message) reachable(message, found);
  return found;
}

function descriptorOf(root: Message<Fields>): DescMessage {
  const messageType = [...reachable(root).values()].map(messageProto);
  const file = create(FileDescriptorProtoSchema, { name: `${root.name}.proto`, syntax: 'proto3', messageType });
  const found = createFileRegistry(file, () => undefined).getMessage(root.name);
  if (!found) throw new Error(`no descriptor of ${root.name}`);
  return found;
}

export type Codec<T> = {
  /** Unknown fields are skipped. Throws on bytes that are no such message. */
  readonly decode: (bytes: Uint8Array) => T;
  readonly encode: (value: Partial<T>) => Uint8Array;
};

/** What a message costs is paid here, once. */
export function codecOf<M extends Message<Fields>>(root: M): Codec<Decoded<M>> {
  const descriptor = descriptorOf(root);
  return {
    // The descriptor was made of the same table as the type, which the compiler cannot see.
    decode: (bytes) => fromBinary(descriptor, bytes, { readUnknownFields: false }) as unknown as Decoded<M>,
    encode: (value) => toBinary(descriptor, create(descriptor, value as Record<string, unknown>)),
  };
}
