// swift-tools-version: 6.0

import PackageDescription

// By a link: SwiftPM tells packages apart by their folders' names, and both would be called `swift`.

let package = Package(
    name: "bench",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "MarketSDK", path: "MarketSDK")],
    targets: [
        .target(name: "Side"),
        .executableTarget(name: "sdk", dependencies: ["Side", .product(name: "MarketSDK", package: "MarketSDK")]),
        .executableTarget(name: "by-hand", dependencies: ["Side"]),
    ],
    swiftLanguageModes: [.v6]
)
