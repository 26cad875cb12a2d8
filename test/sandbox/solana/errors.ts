// What litesvm calls a failure as Solana's JSON-RPC writes it, and the RPC's own error codes.
import type { FailedTransactionMetadata } from 'litesvm';

/** Codes of @solana/kit, packages/errors/src/codes.ts. */
export const RPC_CODES = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  preflight: -32002,
  signature: -32003,
  unhealthy: -32005,
  minContextSlot: -32016,
} as const;

export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  readonly data: unknown;
  constructor(code: keyof typeof RPC_CODES, message: string, data?: unknown) {
    super(message);
    this.code = RPC_CODES[code];
    this.data = data;
  }
}

/** litesvm numbers failures without fields; the order is that of its TransactionErrorFieldless. */
const TRANSACTION_ERRORS = (
  'AccountInUse AccountLoadedTwice AccountNotFound ProgramAccountNotFound InsufficientFundsForFee ' +
  'InvalidAccountForFee AlreadyProcessed BlockhashNotFound CallChainTooDeep MissingSignatureForFee ' +
  'InvalidAccountIndex SignatureFailure InvalidProgramForExecution SanitizeFailure ClusterMaintenance ' +
  'AccountBorrowOutstanding WouldExceedMaxBlockCostLimit UnsupportedVersion InvalidWritableAccount ' +
  'WouldExceedMaxAccountCostLimit WouldExceedAccountDataBlockLimit TooManyAccountLocks AddressLookupTableNotFound ' +
  'InvalidAddressLookupTableOwner InvalidAddressLookupTableData InvalidAddressLookupTableIndex ' +
  'InvalidRentPayingAccount WouldExceedMaxVoteCostLimit WouldExceedAccountDataTotalLimit ' +
  'MaxLoadedAccountsDataSizeExceeded ResanitizationNeeded InvalidLoadedAccountsDataSizeLimit UnbalancedTransaction ' +
  'ProgramCacheHitMaxLimit CommitCancelled'
).split(' ');

/** In the order of its InstructionErrorFieldless. */
const INSTRUCTION_ERRORS = (
  'GenericError InvalidArgument InvalidInstructionData InvalidAccountData AccountDataTooSmall InsufficientFunds ' +
  'IncorrectProgramId MissingRequiredSignature AccountAlreadyInitialized UninitializedAccount UnbalancedInstruction ' +
  'ModifiedProgramId ExternalAccountLamportSpend ExternalAccountDataModified ReadonlyLamportChange ' +
  'ReadonlyDataModified DuplicateAccountIndex ExecutableModified RentEpochModified NotEnoughAccountKeys ' +
  'AccountDataSizeChanged AccountNotExecutable AccountBorrowFailed AccountBorrowOutstanding ' +
  'DuplicateAccountOutOfSync InvalidError ExecutableDataModified ExecutableLamportChange ' +
  'ExecutableAccountNotRentExempt UnsupportedProgramId CallDepth MissingAccount ReentrancyNotAllowed ' +
  'MaxSeedLengthExceeded InvalidSeeds InvalidRealloc ComputationalBudgetExceeded PrivilegeEscalation ' +
  'ProgramEnvironmentSetupFailure ProgramFailedToComplete ProgramFailedToCompile Immutable IncorrectAuthority ' +
  'AccountNotRentExempt InvalidAccountOwner ArithmeticOverflow UnsupportedSysvar IllegalOwner ' +
  'MaxAccountsDataAllocationsExceeded MaxAccountsExceeded MaxInstructionTraceLengthExceeded ' +
  'BuiltinProgramsMustConsumeComputeUnits BorshIoError'
).split(' ');

type TransactionErr = ReturnType<FailedTransactionMetadata['err']>;
type InstructionErr = ReturnType<Extract<TransactionErr, { err(): unknown }>['err']>;

function instructionError(err: InstructionErr): unknown {
  if (typeof err === 'number') return INSTRUCTION_ERRORS[err] ?? 'GenericError';
  return 'code' in err ? { Custom: err.code } : { BorshIoError: err.msg };
}

/** The `err` of simulateTransaction and getSignatureStatuses. */
export function rpcErrorOf(failed: FailedTransactionMetadata): unknown {
  const err = failed.err();
  if (typeof err === 'number') return TRANSACTION_ERRORS[err] ?? 'SanitizeFailure';
  if ('err' in err) return { InstructionError: [err.index, instructionError(err.err())] };
  const rent = /InsufficientFundsForRent|ProgramExecutionTemporarilyRestricted/.exec(err.toString())?.[0];
  if ('accountIndex' in err) return { [rent ?? 'InsufficientFundsForRent']: { account_index: err.accountIndex } };
  return { DuplicateInstruction: err.index };
}

/** The text of a failed preflight, as the real node words it. */
export function preflightMessage(err: unknown): string {
  const failed = 'Transaction simulation failed: ';
  if (typeof err !== 'object' || err === null || !('InstructionError' in err)) return `${failed}${String(err)}`;
  const [index, why] = err.InstructionError as [number, unknown]; // Made above.
  const custom = typeof why === 'object' && why !== null && 'Custom' in why ? Number(why.Custom) : undefined;
  const text = custom === undefined ? String(why) : `custom program error: 0x${custom.toString(16)}`;
  return `${failed}Error processing Instruction ${index}: ${text}`;
}
