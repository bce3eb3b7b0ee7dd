import Foundation
import MarketSDK

// What the SDK's core makes of errors and of answers. The tests hold the copies of its tables against
// tests/contract/error-codes.json.

extension MarketError {
    /// An error as the SDK makes it: what follows from the code need not be said.
    static func of(
        _ code: ErrorCode,
        _ message: String? = nil,
        status: Int? = nil,
        retryAfter: Duration? = nil,
        fields: [FieldError] = [],
        detail: String? = nil
    ) -> MarketError {
        MarketError(
            code, message: message ?? fields.first?.message ?? code.message, isRetryable: code.isRetryable, status: status,
            retryAfter: retryAfter, fields: fields, detail: detail)
    }

    /// Input that is refused before anything is sent.
    static func invalid(_ path: String, _ message: String) -> MarketError {
        of(.invalidInput, fields: [FieldError(path: path, message: message)])
    }

    /// Refuses an id that no server gives.
    static func check(_ path: String, _ id: Int) throws {
        guard id >= 0 else { throw invalid(path, "There is nothing of this number.") }
    }
}

extension ErrorCode {
    /// What is shown where nobody says more.
    package var message: String {
        switch self {
        case .invalidInput: "Please check what you entered."
        case .wrongCode: "That code is wrong or too old."
        case .rateLimited: "Too many attempts. Please wait a little."
        case .notSignedIn: "Please sign in."
        case .sessionExpired: "Your session has expired. Please sign in again."
        case .signedOut: "You have been signed out."
        case .storeLocked: "The device's secure storage is locked."
        case .storeUnavailable: "The device's secure storage is not available."
        case .storeNotCleared: "You are signed out, but the stored session could not be erased yet."
        case .network: "The shop could not be reached."
        case .timeout: "The shop did not answer in time."
        case .tls: "The connection to the shop is not secure."
        case .rejected: "The shop declined the request."
        case .notFound: "That is no longer there."
        case .unsupported: "This shop does not offer that."
        case .server: "The shop has a problem. Please try again later."
        case .unexpectedResponse: "The shop gave an unexpected answer."
        case .outcomeUnknown: "The answer was lost; it is not known whether it went through."
        case .orderPending: "An earlier order is still being confirmed."
        case .cancelled: "The call was cancelled."
        case .config: "The client is not configured correctly."
        }
    }

    package var isRetryable: Bool {
        [.rateLimited, .storeLocked, .network, .timeout, .server].contains(self)
    }

    /// Whether an order that was sent and ended so was certainly not placed.
    package var leavesNoOrder: Bool {
        [
            .invalidInput, .rateLimited, .rejected, .notFound, .unsupported, .notSignedIn, .sessionExpired, .storeLocked,
            .storeUnavailable, .unexpectedResponse, .network, .tls,
        ].contains(self)
    }

    /// Whether the cart that is shown may be wrong after a change that ended so.
    package var leavesCartInDoubt: Bool {
        [.rejected, .notFound, .invalidInput, .network, .timeout, .server, .unexpectedResponse, .outcomeUnknown].contains(self)
    }
}

extension RawResponse {
    /// The answer, if its status is one of success; otherwise what the SDK makes of it.
    ///
    /// - Parameter hasSession: whether the request carried a token, which 401 refuses
    func judged(hasSession: Bool) throws -> RawResponse {
        func plain(_ code: ErrorCode) -> MarketError { .of(code, status: status) }
        let said = (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
        let text = (said["detail"] as? String ?? said["message"] as? String)?.trimmingCharacters(in: .whitespacesAndNewlines)
        let words = text?.isEmpty == false ? text : nil
        func worded(_ code: ErrorCode, retryAfter: Duration? = nil) -> MarketError {
            .of(code, words, status: status, retryAfter: retryAfter)
        }
        switch status {
        case 200 ..< 300: return self
        case 401 where hasSession: throw Unauthorized()
        case 404 where said["detail"] as? String == "Not Found": throw plain(.unsupported)
        case 404, 410: throw worded(.notFound)
        case 405: throw plain(.unsupported)
        case 408: throw plain(.timeout)
        case 422:
            let fields = (said["detail"] as? [Any] ?? []).compactMap(FieldError.init(json:))
            guard fields.isEmpty else { throw MarketError.of(.invalidInput, status: status, fields: fields) }
            let isTooMuch = words?.lowercased().contains("too many") == true
            throw isTooMuch ? worded(.rateLimited, retryAfter: .seconds(15 * 60)) : worded(.invalidInput)
        case 429: throw worded(.rateLimited)
        case 400 ..< 500: throw worded(.rejected)
        case 500 ..< 600: throw plain(.server)
        default: throw plain(.unexpectedResponse)
        }
    }
}

extension FieldError {
    /// A refused field as servers write one: the first place names the part of the request, which nobody shows.
    fileprivate init?(json: Any) {
        guard let field = json as? [String: Any], let places = field["loc"] as? [Any] else { return nil }
        let names = places.map { "\($0)" }
        let path = names.count > 1 ? names.dropFirst() : names[...]
        self.init(path: path.joined(separator: "."), message: field["msg"] as? String ?? "")
    }
}
