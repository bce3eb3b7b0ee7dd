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
