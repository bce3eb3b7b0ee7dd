import Foundation
@testable import MarketSDK
import Testing

struct ValuesTests {
    private let here = Locale(identifier: "en_US")

    private func money(_ digits: String, _ currency: String) throws -> Money {
        try Money(amount: decimal(from: digits), currency: currency)
    }

    @Test
    func money_is_written_with_its_currency_and_no_digit_is_rounded_away() throws {
        #expect(try money("1234.50", "USD").formatted(locale: here) == "$1,234.50")
        #expect(try money("1500.00", "KGS").formatted(locale: here) == "KGS\u{a0}1,500.00")
        #expect(try money("1500", "JPY").formatted(locale: here) == "¥1,500")
        #expect(try money("1500.25", "JPY").formatted(locale: here) == "¥1,500.25")
        #expect(try money("12.00", "XXX").formatted(locale: here) == "12")
        #expect(try money("-0.01", "USD").formatted(locale: Locale(identifier: "de_DE")) == "-0,01\u{a0}$")
        #expect(try money("12.5", "no currency").formatted(locale: here) == "12.5")
    }

    @Test
    func money_is_exact_at_any_size() throws {
        for digits in ["0.1", "79228162514264337593543950335", "7.9228162514264337593543950335", "-0.0000000000000000000000000001"] {
            #expect(try decimal(from: digits).description == digits)
        }
        #expect(try decimal(from: "0.1") + decimal(from: "0.2") == decimal(from: "0.3"))
        #expect(try money("7922816251426433759354395.35", "USD").formatted(locale: here) == "$7,922,816,251,426,433,759,354,395.35")
        #expect(throws: DecodingError.self) { try decimal(from: "many") }
    }

    @Test
    func an_amount_is_the_one_that_foundation_reads() throws {
        for digits in [
            "0", "0.00", "0.01", "-0.01", "-5.10", "19.99", "20.00", "100", "1500.000", "999999999999999999", "-99999999999999999.9",
            "9999999999999999999", "--1", "1.2.3", "-", "1e3",
        ] {
            let (read, expected) = (try? decimal(from: digits), Decimal(string: digits, locale: here))
            #expect(read == expected && read?.exponent == expected?.exponent, "\(digits)")
            #expect(read?.description == expected?.description, "\(digits)")
        }
    }

    @Test
    func p10_a_phone_number_does_not_show_itself() {
        let number = PhoneNumber("+13128059851")
        #expect("\(number)" == "+•••••••••51")
        let user = User(id: 1, market: .us, phone: number, fullName: nil)
        let state = SessionState.expired(user: user, reason: .expired, waiting: 0)
        var dumped = ""
        dump(state, to: &dumped)
        for text in ["\(state)", String(reflecting: state), String(describing: Optional(number)), dumped] {
            #expect(!text.contains("805"), "\(text)")
            #expect(text.contains("51"), "\(text)")
        }
        #expect("\(PhoneNumber(""))" == "+")
    }

    /// Of these, every text is the shop's, the developer's, or the SDK's own.
    private static let shown = [
        "CartLine", "Failure.detail", "Failure.message", "FieldError", "ListenerError.failed", "LogRecord", "Market.unknown",
        "MarketInfo", "Money", "NewOrder.paymentMethod", "Order.orderNumber", "OrderLine", "OrderStatus.unknown", "Product", "Profile.country", "Profile.currency",
        "Profile.language", "SessionStore.file", "StoreError.unavailable",
    ]

    @Test
    func p10_no_value_shows_what_is_personal() {
        #expect(Samples.all.count > 30)
        var seen: Set<String> = []
        for (name, value) in Samples.all {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), String(describing: Optional(value)), dumped, "\([value])"] {
                #expect(!text.contains("3128059851"), "\(name): \(text)")
                for secret in text.matches(of: /secret.of.([A-Za-z.]+)/).map({ String($0.1) }) {
                    let known = Self.shown.first { secret == $0 || secret.hasPrefix("\($0).") }
                    #expect(known != nil, "\(name) shows \(secret): \(text)")
                    seen.formUnion(known.map { [$0] } ?? [])
                }
            }
            // And it still says what it is.
            #expect(dumped.contains(name.split(separator: ".").last!), "\(name): \(dumped)")
        }
        #expect(seen == Set(Self.shown))
    }

    @Test
    func a_library_of_another_version_is_refused() async throws {
        try CoreVersion.check()
        try CoreVersion.check(expectedCoreVersion)
        let refused = try await failure { try CoreVersion.check(expectedCoreVersion + 1) }
        #expect(refused.code == .config)
        #expect(refused.detail?.contains("\(expectedCoreVersion + 1)") == true)
    }

    @Test
    func the_privacy_manifest_can_be_read() throws {
        let file = try #require(Bundle.module.url(forResource: "PrivacyInfo", withExtension: "xcprivacy"))
        let manifest = try PropertyListSerialization.propertyList(from: Data(contentsOf: file), format: nil)
        let privacy = try #require(manifest as? [String: Any])
        #expect(privacy["NSPrivacyTracking"] as? Bool == false)
    }
}
