// What a Yellowstone Geyser server is asked and what it pushes, as Protocol Buffers: message and field names and numbers as
// published in geyser.proto and solana-storage.proto (August 2026). Only fields that are read or asked for are written down.
import {
  bytes,
  codecOf,
  type Decoded,
  flag,
  int32,
  int64,
  listOf,
  mapOf,
  message,
  oneOf,
  optional,
  repeated,
  text,
  uint32,
  uint64,
} from '../../protobuf.ts';

/** CommitmentLevel. */
export const COMMITMENT = { processed: 0, confirmed: 1, finalized: 2 } as const;
export type Commitment = keyof typeof COMMITMENT;
/** SlotStatus, of which the first three are those of CommitmentLevel. */
export const SLOT_DEAD = 6;

const memcmp = message('Memcmp', { offset: uint64(1), bytes: optional(bytes(2)) });
const accountFilter = message('AccountFilter', {
  memcmp: oneOf(memcmp, 1),
  datasize: optional(uint64(2)),
  tokenAccountState: optional(flag(3)),
});
const accounts = message('FilterAccounts', {
  account: repeated(text(2)),
  owner: repeated(text(3)),
  filters: listOf(accountFilter, 4),
  nonemptyTxnSignature: optional(flag(5)),
});
const slots = message('FilterSlots', {
  filterByCommitment: optional(flag(1)),
  interslotUpdates: optional(flag(2)),
});
const transactions = message('FilterTransactions', {
  vote: optional(flag(1)),
  failed: optional(flag(2)),
  accountInclude: repeated(text(3)),
  accountExclude: repeated(text(4)),
  signature: optional(text(5)),
  accountRequired: repeated(text(6)),
});
const blocksMeta = message('FilterBlocksMeta', {});
const ping = message('Ping', { id: int32(1) });

const request = message('SubscribeRequest', {
  accounts: mapOf('AccountsEntry', accounts, 1),
  slots: mapOf('SlotsEntry', slots, 2),
  transactions: mapOf('TransactionsEntry', transactions, 3),
  blocksMeta: mapOf('BlocksMetaEntry', blocksMeta, 5),
  commitment: optional(int32(6)),
  /** With one, the rest of the request is passed over, and the filters stay as they are. */
  ping: oneOf(ping, 9),
  fromSlot: optional(uint64(11)),
});

const accountInfo = message('AccountInfo', {
  pubkey: bytes(1),
  lamports: uint64(2),
  owner: bytes(3),
  executable: flag(4),
  rentEpoch: uint64(5),
  data: bytes(6),
  writeVersion: uint64(7),
  txnSignature: optional(bytes(8)),
});
const compiledInstruction = message('CompiledInstruction', {
  programIdIndex: uint32(1),
  /** One byte each, an index. */
  accounts: bytes(2),
  data: bytes(3),
});
const innerInstruction = message('InnerInstruction', {
  programIdIndex: uint32(1),
  accounts: bytes(2),
  data: bytes(3),
  stackHeight: optional(uint32(4)),
});
const innerInstructions = message('InnerInstructions', {
  /** Of the instruction that led to these. */
  index: uint32(1),
  instructions: listOf(innerInstruction, 2),
});
const addressTableLookup = message('MessageAddressTableLookup', {
  accountKey: bytes(1),
  writableIndexes: bytes(2),
  readonlyIndexes: bytes(3),
});
const transactionMessage = message('Message', {
  accountKeys: repeated(bytes(2)),
  recentBlockhash: bytes(3),
  instructions: listOf(compiledInstruction, 4),
  versioned: flag(5),
  addressTableLookups: listOf(addressTableLookup, 6),
});
const transaction = message('Transaction', { signatures: repeated(bytes(1)), message: oneOf(transactionMessage, 2) });
const transactionError = message('TransactionError', { err: bytes(1) });
const transactionMeta = message('TransactionStatusMeta', {
  err: oneOf(transactionError, 1),
  fee: uint64(2),
  innerInstructions: listOf(innerInstructions, 5),
  logMessages: repeated(text(6)),
  innerInstructionsNone: flag(10),
  loadedWritableAddresses: repeated(bytes(12)),
  loadedReadonlyAddresses: repeated(bytes(13)),
});
const transactionInfo = message('TransactionInfo', {
  signature: bytes(1),
  isVote: flag(2),
  transaction: oneOf(transaction, 3),
  meta: oneOf(transactionMeta, 4),
  index: uint64(5),
});

const accountUpdate = message('UpdateAccount', {
  account: oneOf(accountInfo, 1),
  slot: uint64(2),
  isStartup: flag(3),
});
const slotUpdate = message('UpdateSlot', {
  slot: uint64(1),
  parent: optional(uint64(2)),
  status: int32(3),
  deadError: optional(text(4)),
});
const transactionUpdate = message('UpdateTransaction', { transaction: oneOf(transactionInfo, 1), slot: uint64(2) });
const unixTimestamp = message('UnixTimestamp', { timestamp: int64(1) });
const blockMetaUpdate = message('UpdateBlockMeta', {
  slot: uint64(1),
  blockhash: text(2),
  blockTime: oneOf(unixTimestamp, 4),
  parentSlot: uint64(6),
  parentBlockhash: text(7),
  executedTransactionCount: uint64(8),
  entriesCount: uint64(9),
});
const serverPing = message('UpdatePing', {});
const pong = message('UpdatePong', { id: int32(1) });
const timestamp = message('Timestamp', { seconds: int64(1), nanos: int32(2) });

/** Every update is one of these; at most one of the bodies is there. */
const update = message('SubscribeUpdate', {
  /** Names of the filters that let it through. */
  filters: repeated(text(1)),
  account: oneOf(accountUpdate, 2),
  slot: oneOf(slotUpdate, 3),
  transaction: oneOf(transactionUpdate, 4),
  ping: oneOf(serverPing, 6),
  blockMeta: oneOf(blockMetaUpdate, 7),
  pong: oneOf(pong, 9),
  createdAt: oneOf(timestamp, 11),
});

export type SubscribeRequest = Partial<Decoded<typeof request>>;
export type Update = Decoded<typeof update>;
export type TransactionUpdate = Decoded<typeof transactionUpdate>;
export type TransactionInfo = Decoded<typeof transactionInfo>;
export type Instruction = Decoded<typeof compiledInstruction>;
export type InnerInstruction = Decoded<typeof innerInstruction>;
export type AddressTableLookup = Decoded<typeof addressTableLookup>;

export const requestCodec = codecOf(request);
/** `decode` throws on bytes that are no update; fields that came later are passed over. */
export const updateCodec = codecOf(update);

/** The one method that is used, as gRPC names it. */
export const SUBSCRIBE_PATH = '/geyser.Geyser/Subscribe';
