import Foundation

extension MarketError {
    /// An error as an app's own tests may need one.
    public init(
        _ code: ErrorCode,
        message: String,
        isRetryable: Bool = false,
        status: Int? = nil,
        requestID: String? = nil,
        retryAfter: Duration? = nil,
        fields: [FieldError] = [],
        detail: String? = nil
    ) {
        self = .failed(failure: Failure(
            code: code,
            message: message,
            isRetryable: isRetryable,
            status: status,
            requestID: requestID,
            retryAfter: retryAfter,
            fields: fields,
            detail: detail
        ))
    }

    /// What went wrong, in terms of what the app does about it.
    public var code: ErrorCode { what.code }

    /// A text fit for a person. It holds no token, code or full phone number.
    public var message: String { what.message }

    /// Whether the same call may succeed later without anything else being done.
    public var isRetryable: Bool { what.isRetryable }

    /// The HTTP status of the answer that was judged, if there was one.
    public var status: Int? { what.status }

    /// The server's name for the request, if it gave one. Quote it when reporting.
    public var requestID: String? { what.requestID }

    /// How long to wait before asking again, if that is known.
    public var retryAfter: Duration? { what.retryAfter }

    /// The refused fields of an invalid input.
    public var fields: [FieldError] { what.fields }

    /// For a developer's log: what the layer below said. It holds nothing personal.
    public var detail: String? { what.detail }

    private var what: Failure {
        switch self {
        case let .failed(failure): failure
        }
    }
}

extension MarketError: LocalizedError {
    /// The same as ``message``, so that `localizedDescription` is fit for a person too.
    public var errorDescription: String? { message }
}

extension MarketError: CustomStringConvertible {
    /// For a developer's log: the code, the message and the detail.
    public var description: String {
        "\(code): \(message)" + (detail.map { " (\($0))" } ?? "")
    }
}
