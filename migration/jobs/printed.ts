// SQL that prints values as the store keeps them, for the second decoder (see Job.printed).

export const printedDecimal = (column: string): string => `trim_scale(${column})::text`;
export const printedTime = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
