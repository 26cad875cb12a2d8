// Why somebody changes something.
import { z } from 'zod';

export const reason = z.string().trim().min(1, 'say why: the audit log keeps it').max(1_000);
