import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { CODES } from '../../src/testing/errors';

test('the fake makes of each error code what the core does', () => {
  const core = JSON.parse(readFileSync(join(__dirname, '../../../../tests/contract/error-codes.json'), 'utf8')) as object[];
  const own = Object.entries(CODES).map(([code, { message, retryable = false, leavesNoOrder = false, leavesCartInDoubt = false }]) => ({
    code,
    message,
    retryable,
    leaves_no_order: leavesNoOrder,
    leaves_cart_in_doubt: leavesCartInDoubt,
  }));
  const byCode = (all: object[]) => Object.fromEntries(all.map((one) => [(one as { code: string }).code, one]));
  expect(core.length).toBeGreaterThan(20);
  expect(byCode(own)).toEqual(byCode(core));
});
