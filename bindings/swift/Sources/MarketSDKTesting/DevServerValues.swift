import Foundation

extension MarketDevServer {
    /// A way to misbehave. `acted` says whether the server does what it was asked before that.
    public struct Fault: Sendable {
        let json: String

        /// A fault as the server's page on `POST /_dev/faults` writes it: `{"kind": "oversized", "bytes": 9000000}`.
        public static func json(_ text: String) -> Fault {
            Fault(json: text)
        }

        /// Waits until ``MarketDevServer/release()``, then answers as ever.
        public static func hold(acted: Bool = false) -> Fault {
            of("hold", "acted", acted)
        }

        /// Answers as ever, but late.
        public static func latency(_ duration: Duration, acted: Bool = false) -> Fault {
            let (seconds, attoseconds) = duration.components
            return .json(#"{"kind": "latency", "ms": \#(seconds * 1000 + attoseconds / 1_000_000_000_000_000), "acted": \#(acted)}"#)
        }

        /// Cuts the connection in place of an answer.
        public static func reset(acted: Bool = false) -> Fault {
            of("reset", "acted", acted)
        }

        /// Answers with an error of this status.
        public static func status(_ status: Int, retryAfter: Duration? = nil, acted: Bool = false) -> Fault {
            let wait = retryAfter.map { #", "retry_after": {"seconds": \#($0.components.seconds)}"# } ?? ""
            return .json(#"{"kind": "status", "status": \#(status), "acted": \#(acted)\#(wait)}"#)
        }

        /// Answers with just this.
        public static func answer(_ status: Int, body: String, acted: Bool = false) -> Fault {
            .json(#"{"kind": "answer", "status": \#(status), "body": \#(quoted(body)), "acted": \#(acted)}"#)
        }

        /// Answers with a proxy's page, and does nothing.
        public static func html(status: Int) -> Fault {
            of("html", "status", status)
        }

        /// Acts, and answers with each value of a wrong type.
        public static let misTyped = Fault(json: #"{"kind": "mis_typed"}"#)

        private static func of(_ kind: String, _ field: String, _ value: some CustomStringConvertible) -> Fault {
            .json(#"{"kind": "\#(kind)", "\#(field)": \#(value)}"#)
        }
    }

    /// A request as the server saw it.
    public struct Request: Decodable, Sendable {
        /// The method.
        public let method: String
        /// The path, with the base URL's in front.
        public let path: String
        /// What stood behind `?`, or nothing.
        public let query: String
        /// By names in lower case. A token is shown as `Bearer #1`, by the order in which tokens were seen.
        public let headers: [String: String]
        /// The status of the answer; `nil` while there is none.
        public let status: Int?
        /// Whether the client left before there was an answer.
        public let aborted: Bool

        /// As in `POST /cart/items`.
        public var route: String {
            "\(method) \(path.replacingOccurrences(of: "/api/v1", with: ""))"
        }
    }

    /// What the server has stored of a market.
    public struct Stored: Decodable, Sendable {
        /// Who has ever signed in.
        public let users: [User]
        /// The cart of each.
        public let carts: [Cart]
        /// All orders, the oldest first.
        public let orders: [Order]
        /// How many pieces there are, by SKU.
        public let stock: [String: Int]

        /// A user.
        public struct User: Decodable, Sendable {
            /// The user's id.
            public let id: Int
            /// The phone number.
            public let phone: String
            /// Whether the user has signed in since the last logout.
            public let isActive: Bool
        }

        /// A cart.
        public struct Cart: Decodable, Sendable {
            /// Whose it is.
            public let userID: Int
            /// What is in it.
            public let items: [Item]

            private enum CodingKeys: String, CodingKey {
                case userID = "userId", items
            }
        }

        /// An order.
        public struct Order: Decodable, Sendable {
            /// The order's id.
            public let id: Int
            /// Whose it is.
            public let userID: Int
            /// Where it stands.
            public let status: String
            /// What was ordered.
            public let items: [Item]

            private enum CodingKeys: String, CodingKey {
                case id, userID = "userId", status, items
            }
        }

        /// A line of either.
        public struct Item: Decodable, Sendable {
            /// What.
            public let skuID: Int
            /// How many pieces.
            public let quantity: Int

            private enum CodingKeys: String, CodingKey {
                case skuID = "skuId", quantity
            }
        }
    }
}
