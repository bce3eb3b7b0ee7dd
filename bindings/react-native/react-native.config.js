module.exports = {
  dependency: {
    platforms: {
      android: { packageImportPath: 'import dev.marketsdk.reactnative.MarketSdkPackage;' },
      ios: {},
    },
  },
};
