/** What the fakes load, as this project has them. */
const Module = require('node:module');

const asked = new Set();
const load = Module._load;
Module._load = (request, ...rest) => {
  asked.add(request);
  return load(request, ...rest);
};
const { FakeMarketClient } = require('@market-sdk/react-native/testing');
new FakeMarketClient({ signedInAs: '+13128059851' });
console.log([...asked].filter((request) => !request.startsWith('.')).join(' '));
console.log([...asked].some((request) => /generated|react|call$|library|dev-server/.test(request.replace('@market-sdk/react-native', ''))));
