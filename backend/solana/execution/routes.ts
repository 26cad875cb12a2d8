// Submitting signed transactions: POST /api/transaction/submit, and what has become of one.
import { z } from 'zod';
import { allowed, fail, json, parse, type Route, readJson, userId } from '../../http.ts';
import type { SubmissionRecord } from '../../store/submission-items.ts';
import { wireTransaction } from '../simulate/routes.ts';
import type { Submissions } from './submissions.ts';

const submissionId = z
  .string({ error: 'submission_id is required' })
  .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'submission_id must be 1 to 64 letters, digits or _ . : -');

const body = z.object({
  user_id: userId,
  submission_id: submissionId,
  transaction: wireTransaction,
  allow_direct: z.boolean({ error: 'allow_direct must be true or false' }).default(true),
});

/** Without the transaction itself, which the client has, and the table's own fields. */
const submissionView = ({ transaction, version, ...rest }: SubmissionRecord) => rest;

export function submissionRoutes(route: Route, submissions: Submissions): void {
  route(
    'POST',
    '/api/transaction/submit',
    async function submit(context, caller) {
      const { user_id: user, submission_id: id, transaction, allow_direct } = parse(body, await readJson(context));
      allowed(caller.mayActFor(user));
      const wanted = { userId: user, id, transaction, allowDirect: allow_direct };
      const { kind, submission } = await submissions.submit(wanted);
      return json(submissionView(submission), 202, kind === 'new' ? {} : { 'idempotent-replayed': 'true' });
    },
    { summary: 'Hand a signed transaction to all relays, and again until the chain has decided', body },
  );

  route(
    'GET',
    '/api/transaction/submission/:user_id/:submission_id',
    async function status(context) {
      const { user_id: user, submission_id: id } = context.req.param();
      const submission = await submissions.find(parse(userId, user), parse(submissionId, id));
      if (!submission) return fail('submission_not_found', `no submission ${id} of this user`);
      return json(submissionView(submission));
    },
    { summary: 'What has become of a submitted transaction' },
  );
}
