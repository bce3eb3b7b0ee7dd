// swift-tools-version: 6.0

import PackageDescription

// By a link: SwiftPM tells packages apart by their folders' names, and both would be called `swift`.

let package = Package(
    name: "shop",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "MarketSDK", path: "MarketSDK")],
    targets: [
        .executableTarget(name: "shop", dependencies: ["ShopScreens"]),
        .target(name: "ShopScreens", dependencies: [.product(name: "MarketSDK", package: "MarketSDK")]),
        .testTarget(
            name: "ShopScreensTests",
            dependencies: ["ShopScreens", .product(name: "MarketSDKTesting", package: "MarketSDK")]
        ),
    ],
    swiftLanguageModes: [.v6]
)
