// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "shop",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "MarketSDK", path: "../../bindings/swift")],
    targets: [
        .executableTarget(name: "shop", dependencies: [.product(name: "MarketSDK", package: "MarketSDK")]),
    ],
    swiftLanguageModes: [.v6]
)
