// The address of what is shown: all state that someone may want to send to a colleague lives in it.

/** Return the parts of an address, that of the page if none is given: `{view, trace, span, q, …}`. */
export function address(search = location.search) {
  return Object.fromEntries(new URLSearchParams(search));
}

/** Return the address of these parts; empty ones are left out. */
export function urlOf(parts) {
  const query = new URLSearchParams(Object.entries(parts).filter(([, value]) => value));
  return query.size ? `/?${query}` : "/";
}
