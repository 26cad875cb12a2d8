// Amounts as clients send them: strict, since what is misread here is traded.
import { z } from 'zod';
import { type Decimal, isPositive, parseDecimal, ZERO } from './money.ts';

/** Digits an amount may have on either side of the point; no exchange has more, and sums stay within DynamoDB's text. */
const AMOUNT_FORM = /^\d{1,20}(\.\d{1,18})?$/;
/** Text is plain digits: an exponent, a sign or a blank in it is nobody's honest amount. A number's own text may have an exponent. */
const TEXT_FORM = /^-?\d{1,40}(\.\d{1,40})?$/;

function amountOf(name: string, isAllowed: (value: Decimal) => boolean, least: string) {
  return z
    .union([z.number(), z.string()], { error: `${name} must be a number` })
    .transform((value, context): Decimal => {
      const parsed = typeof value === 'string' && !TEXT_FORM.test(value) ? undefined : parseDecimal(value);
      if (parsed === undefined) context.addIssue(`${name} must be a number`);
      else if (!isAllowed(parsed)) context.addIssue(`${name} must be ${least}`);
      else if (!AMOUNT_FORM.test(parsed)) context.addIssue(`${name} has too many digits`);
      else return parsed;
      return z.NEVER;
    });
}

/** A number or a decimal string above zero. Numbers are read by their shortest text: 0.1 means "0.1". */
export const amount = (name: string) => amountOf(name, isPositive, 'greater than 0');

/** As `amount`, or zero. */
export const amountOrZero = (name: string) =>
  amountOf(name, (value) => value === ZERO || isPositive(value), 'no less than 0');
