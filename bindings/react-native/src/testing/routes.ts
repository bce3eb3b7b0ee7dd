/** Routes, as a test writes them: `POST /cart/items`. */

/**
 * Whether a request is to a route. `{…}` stands for one part of its path, `*` for any method, or for everything; a closing
 * slash makes no difference.
 */
export function fits(route: string, method: string, path: string): boolean {
  if (route === '*') return true;
  const [wanted, parts] = parsed(route);
  const asked = split(path);
  return (
    (wanted === '*' || wanted === method.toUpperCase()) &&
    asked.length === parts.length &&
    parts.every((part, at) => part === asked[at] || /^\{.*\}$/.test(part))
  );
}

/** Throws if it is none. */
export function parsed(route: string): [method: string, path: string[]] {
  const [, method, path] = /^([A-Z]+|\*) (\/\S*)$/.exec(route) ?? [];
  if (method === undefined || path === undefined) throw new TypeError(`${route} is no route: it is written GET /products`);
  return [method, split(path)];
}

function split(path: string): string[] {
  return path.replace(/\/$/, '').split('/');
}

/** Those of the typed calls. */
const TYPED: readonly string[] = [
  'POST /auth/send-verification',
  'POST /auth/verify-code',
  'GET /auth/verify-token',
  'GET /auth/profile',
  'PUT /auth/profile',
  'GET /auth/markets',
  'POST /auth/logout',
  'GET /cart',
  'DELETE /cart',
  'POST /cart/items',
  'PUT /cart/items/{id}',
  'DELETE /cart/items/{id}',
  'GET /wishlist',
  'DELETE /wishlist',
  'POST /wishlist/items',
  'DELETE /wishlist/items/{id}',
  'POST /orders/create',
  'GET /orders',
  'GET /orders/{id}',
  'POST /profile/orders/{id}/cancel',
];

/** Throws if it is that of a typed call, or none at all. */
export function checkOwn(route: string): void {
  const [method, path] = parsed(route);
  const isTyped = (typed: string): boolean => fits(typed, method === '*' ? parsed(typed)[0] : method, path.join('/'));
  if (TYPED.some(isTyped)) {
    throw new TypeError(`${route} has a call of its own, which this would not change: see fail`);
  }
}
