// The address of what is shown: all state that someone may want to send to a colleague lives in it.

/** In a shared file, which has no address that could change: where we are, and where we came from. */
let inFile = null;
const trail = [];

/** Keep the address to ourselves from now on, and begin with this one. */
export function keepAddress(parts) {
  inFile = parts;
}

/** Return the parts of an address, that of the page if none is given: `{view, trace, span, q, …}`. */
export function address(search = undefined) {
  if (inFile && search === undefined) return inFile;
  return Object.fromEntries(new URLSearchParams(search ?? location.search));
}

/** Return the address of these parts; empty ones are left out. */
export function urlOf(parts) {
  const query = new URLSearchParams(Object.entries(parts).filter(([, value]) => value));
  return query.size ? `/?${query}` : "/";
}

/** Go to an address, from which `goBack` returns. */
export function pushAddress(parts) {
  if (!inFile) return history.pushState(null, "", urlOf(parts));
  trail.push(inFile);
  inFile = parts;
}

/** Put an address in the place of this one. */
export function replaceAddress(parts) {
  if (inFile) inFile = parts;
  else history.replaceState(history.state, "", urlOf(parts));
}

/** Return to where we were before; `moved()` is called where the browser does not tell. */
export function goBack(moved) {
  if (!inFile) return history.back();
  inFile = trail.pop() ?? inFile;
  moved();
}
