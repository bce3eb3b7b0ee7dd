import Foundation

/// A phone number: `+` and 8 to 15 digits; one that came from the server is as the server wrote it.
///
/// It does not show itself, in a description or to `dump`: the whole number is its ``value``.
public struct PhoneNumber: Hashable, Sendable {
    /// The whole number.
    public let value: String

    /// A number as it is written: `+13128059851`.
    public init(_ value: String) {
        self.value = value
    }
}

extension PhoneNumber: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The last two digits.
    public var description: String {
        "+" + String(repeating: "•", count: max(value.count - 3, 0)) + value.dropFirst().suffix(2)
    }

    /// The last two digits.
    public var debugDescription: String { description }

    /// Nothing: a mirror would show the whole number.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension SessionState {
    /// Whether somebody is signed in.
    public var isSignedIn: Bool {
        if case .signedIn = self { true } else { false }
    }

    /// Who is signed in, or was until the session ended by itself.
    public var user: User? {
        switch self {
        case let .signedIn(user, _, _), let .expired(user, _, _): user
        case .restoring, .locked, .signedOut: nil
        }
    }
}

extension CartLine: Identifiable {}
extension Order: Identifiable {}
extension OrderLine: Identifiable {}
extension Product: Identifiable {}
extension WishlistItem: Identifiable {}

extension Money {
    /// The amount with its currency, as it is written in `locale`: `$39.98`. No digit is rounded away.
    public func formatted(locale: Locale = .autoupdatingCurrent) -> String {
        let digits = max(-amount.exponent, 0)
        // XXX stands for no currency.
        guard currency.count == 3, currency != "XXX" else {
            return amount.formatted(.number.locale(locale).precision(.fractionLength(digits...)))
        }
        let style = Decimal.FormatStyle.Currency(code: currency, locale: locale)
        // The system may know a currency with fewer decimals than the shop uses.
        return amount.formatted(digits > usualDigits ? style.precision(.fractionLength(digits)) : style)
    }

    /// How many decimals the system writes in this currency.
    private var usualDigits: Int {
        let zero = Decimal.zero.formatted(.currency(code: currency).locale(Locale(identifier: "en_US_POSIX")))
        return zero.split(separator: ".").dropFirst().first?.count ?? 0
    }
}

/// Reads the digits that the core gives: a point and no exponent, whatever the locale.
func decimal(from digits: String) throws -> Decimal {
    guard let decimal = short(digits) ?? Decimal(string: digits, locale: Locale(identifier: "en_US_POSIX")) else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "not a decimal"))
    }
    return decimal
}

/// What has so few digits that they fit into 64 bits, as all prices do: Foundation takes a hundred times as long to read it.
private func short(_ digits: String) -> Decimal? {
    let unsigned = digits.utf8.drop { $0 == UInt8(ascii: "-") }
    guard unsigned.count <= 18 else { return nil }
    var significand: UInt64 = 0
    var decimals: Int?
    for byte in unsigned {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            significand = significand * 10 + UInt64(byte - UInt8(ascii: "0"))
            decimals? += 1
        case UInt8(ascii: ".") where decimals == nil: decimals = 0
        default: return nil
        }
    }
    guard significand > 0, digits.utf8.count - unsigned.count <= 1 else { return nil }
    let sign: FloatingPointSign = unsigned.startIndex == digits.utf8.startIndex ? .plus : .minus
    return Decimal(sign: sign, exponent: -(decimals ?? 0), significand: Decimal(significand))
}

/// Reads an address as the core spells it.
func url(from text: String) throws -> URL {
    guard let url = URL(string: text) else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "not an address"))
    }
    return url
}

/// A text that is somebody's own, where its record is printed.
func hidden(_ text: Any?) -> String? {
    text == nil ? nil : "…"
}
