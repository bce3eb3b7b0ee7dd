/** @type {import('jest').Config} */
module.exports = {
  testTimeout: 90_000,
  reporters: [
    'default',
    [
      'jest-junit',
      { outputDirectory: 'reports', classNameTemplate: "{filepath}", titleTemplate: '{title}', suiteNameTemplate: '{filepath}' },
    ],
  ],
  projects: [
    {
      displayName: 'example',
      preset: '@react-native/jest-preset',
      // It has no packages of its own here: what it needs is what this package is tested with.
      roots: ['<rootDir>/../../examples/react-native'],
      modulePaths: ['<rootDir>/node_modules'],
      setupFilesAfterEnv: ['<rootDir>/tests/react/setup.ts'],
      moduleNameMapper: {
        '^@market-sdk/react-native$': '<rootDir>/src/index.ts',
        '^@market-sdk/react-native/(testing.*)$': '<rootDir>/src/$1',
        '/turbo-module$': '<rootDir>/tests/react/turbo-module.ts',
      },
    },
    {
      displayName: 'node',
      testEnvironment: 'node',
      testMatch: ['<rootDir>/tests/node/**/*.test.ts', '<rootDir>/tests/testing/**/*.test.ts', '<rootDir>/tests/conformance/**/*.test.ts'],
    },
    {
      displayName: 'react',
      preset: '@react-native/jest-preset',
      testMatch: ['<rootDir>/tests/react/**/*.test.tsx'],
      setupFilesAfterEnv: ['<rootDir>/tests/react/setup.ts'],
      // The same package as on a phone, but for the module that holds the core: that of Node is as real.
      moduleNameMapper: { '/turbo-module$': '<rootDir>/tests/react/turbo-module.ts' },
    },
  ],
};
