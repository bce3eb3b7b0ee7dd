// swift-tools-version: 6.0

import PackageDescription

// By a link: SwiftPM tells packages apart by their folders' names, and both would be called `swift`.

let package = Package(
    name: "shop",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "MarketSDK", path: "MarketSDK")],
    targets: [
        .executableTarget(name: "shop", dependencies: [.product(name: "MarketSDK", package: "MarketSDK")]),
    ],
    swiftLanguageModes: [.v6]
)
