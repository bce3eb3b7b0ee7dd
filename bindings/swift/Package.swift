// swift-tools-version: 6.0

import Foundation
import PackageDescription

let folder = Context.packageDirectory
let framework = "MarketSDKFFI.xcframework"

// The native part: on Apple's systems an XCFramework that lies beside this file; elsewhere a shared library in `lib`.
let packed = FileManager.default.fileExists(atPath: "\(folder)/\(framework)")
let native: Target = packed ? .binaryTarget(name: "MarketSDKFFI", path: framework) : .systemLibrary(name: "MarketSDKFFI")
let library: [LinkerSetting] = packed
    ? [.linkedFramework("Security"), .linkedFramework("CoreFoundation")]
    : [.unsafeFlags(["-L\(folder)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(folder)/lib"])]

// What is packed for others has no tests.
let tests: [Target] = FileManager.default.fileExists(atPath: "\(folder)/Tests")
    ? [.testTarget(name: "MarketSDKTests", dependencies: ["MarketSDK", "MarketSDKTesting"])]
    : []

let package = Package(
    name: "MarketSDK",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "MarketSDK", targets: ["MarketSDK"]),
        // For the tests of apps: what ships has none of it.
        .library(name: "MarketSDKTesting", targets: ["MarketSDKTesting"]),
    ],
    targets: [
        native,
        .target(
            name: "MarketSDK",
            dependencies: ["MarketSDKFFI"],
            resources: [.copy("PrivacyInfo.xcprivacy")],
            linkerSettings: library
        ),
        .target(name: "MarketSDKTesting", dependencies: ["MarketSDK"]),
    ] + tests,
    swiftLanguageModes: [.v6]
)
