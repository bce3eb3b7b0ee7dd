// The core speaks when it has something to say, and React under test wants every word announced.
const printed = console.error;
console.error = (...what: unknown[]): void => {
  if (!String(what[0]).includes('not wrapped in act(')) printed(...what);
};

export {};
