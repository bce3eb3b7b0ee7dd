import Testing
@testable import MarketSDK
@Test func a() {}
